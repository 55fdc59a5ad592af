"""Decorators that compile functions to machine code, cached on disk. Imported only where matching runs.

The cache is below NUMBA_CACHE_DIR, in a separate folder for each version of the sources, so old code never runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.extending import register_jitable

from digest.matching.kernel import kernel_version

F = TypeVar("F", bound=Callable[..., object])
_HERE = Path(__file__).parent
config: Any = numba.config
config.CACHE_DIR = str(Path(os.environ.get("NUMBA_CACHE_DIR") or _HERE / "__pycache__") / kernel_version.folder_name())


def compiled(function: F) -> F:
    """Compile the function at its first call."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def entry(function: F) -> F:
    """Like `compiled`, for functions that make no arrays: without counting references, which compiles faster."""
    return _lean(function, cache=True)


def inlined(function: F) -> F:
    """Like `entry`, for functions that only machine code calls: they become part of their callers."""
    return _internal(function, forceinline=True)


def separate(function: F) -> F:
    """Like `inlined`, for functions that are seldom called: they stay functions of their own."""
    return _internal(function)


def _internal(function: F, **options: Any) -> F:
    """Compile once for each set of types; a jitted function would also be compiled for each constant argument."""
    compile_by_caller = register_jitable(
        nogil=True, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, **options
    )
    return compile_by_caller(function)


def _lean(function: F, **options: Any) -> F:
    njit: Any = numba.njit
    return cast(F, njit(nogil=True, error_model="numpy", _nrt=False, **options)(function))
