"""Compiling to machine code, kept on disk between processes. Imported only where matching runs.

Kept under NUMBA_CACHE_DIR, in a folder of its own for each state of these sources, so no old code is ever run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

F = TypeVar("F", bound=Callable[..., object])
_HERE = Path(__file__).parent
_BIT, _NUMBER = ir.IntType(1), ir.IntType(32)
_NUMBERS, _FIRST = ir.VectorType(_NUMBER, 64), ir.Constant(_NUMBER, 0)
_SOURCES = (
    "arrays", "candidates", "close", "jit", "kernel", "pairs", "phrases", "profiles", "reasons", "sets", "sums",
    "writing",
)  # fmt: skip


def _state() -> str:
    sources = (path for name in _SOURCES if (path := _HERE / f"{name}.py").exists())
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


config: Any = numba.config
array: Any = arrayobj.make_array
config.CACHE_DIR = str(Path(os.environ.get("NUMBA_CACHE_DIR") or _HERE / "__pycache__") / f"matching-{_state()}")


def compiled(function: F) -> F:
    """The function in machine code, made when it is first called."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def entry(function: F) -> F:
    """Like `compiled`, for functions that make no arrays: without counting references, which compiles faster."""
    return _lean(function, cache=True)


def lean(function: F) -> F:
    """Like `entry`, for functions that only machine code calls: they become part of their callers."""
    return _lean(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)


def _instruction(function: Callable[..., Any]) -> Callable[..., int]:
    """A few instructions, written down as such."""
    return cast(Callable[..., int], intrinsic(function))


@_instruction
def lowest(_: Any, bits: Any) -> Any:  # noqa: ARG001 (the type of the argument)
    """The place of the lowest bit that is set. Undefined for 0."""
    return types.int64(types.int64), lambda _, builder, __, values: builder.cttz(values[0], ir.Constant(_BIT, 1))


@_instruction
def ones(_: Any, bits: Any) -> Any:  # noqa: ARG001 (the type of the argument)
    """How many bits are set."""
    return types.int64(types.int64), lambda _, builder, __, values: builder.ctpop(values[0])


@_instruction
def above(_: Any, numbers: Any, at: Any, least: Any) -> Any:  # noqa: ARG001 (the types of the arguments)
    """Of the 64 numbers from `at` on (of four bytes each) those larger than `least`, as bits."""

    def made(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = array(signature.args[0])(context, builder, values[0]).data
        place = builder.bitcast(builder.gep(data, [values[1]]), _NUMBERS.as_pointer())
        first = builder.insert_element(ir.Constant(_NUMBERS, ir.Undefined), builder.trunc(values[2], _NUMBER), _FIRST)
        bound = builder.shuffle_vector(first, ir.Constant(_NUMBERS, ir.Undefined), ir.Constant(_NUMBERS, None))
        return builder.bitcast(builder.icmp_signed(">", builder.load(place, align=4), bound), ir.IntType(64))

    return types.int64(numbers, types.int64, types.int64), made


def _lean(function: F, **options: Any) -> F:
    njit: Any = numba.njit
    return cast(F, njit(nogil=True, error_model="numpy", _nrt=False, **options)(function))
