"""Load the engine's machine code, only where many papers are matched; it is cached in DATA_DIR between processes."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from digest import settings
from digest.matching.kernel import kernel_version

if TYPE_CHECKING:
    from digest.services.selection.backend import CompiledBackend

READY_MARKER = "ready"  # the file that marks a folder of machine code as complete


@cache
def engine() -> CompiledBackend:
    """The engine back end. The first call in a process loads its code, and compiles it if needed (half a minute).

    One process compiles, the others wait for it.
    """
    os.environ["NUMBA_CACHE_DIR"] = str(_writable_cache_dir())
    from digest.services.selection import engine_backend, engine_warmup

    engine_warmup.warm_up()
    return engine_backend.EngineBackend()


def is_compiled() -> bool:
    """True where the machine code is compiled, so that the first use takes seconds, not a minute. Loads nothing."""
    return (
        engine.cache_info().currsize > 0
        or (_configured_cache_dir() / kernel_version.folder_name() / READY_MARKER).exists()
    )


def _configured_cache_dir() -> Path:
    """The folder for machine code: NUMBA_CACHE_DIR, else `kernel` in DATA_DIR."""
    return Path(os.environ.get("NUMBA_CACHE_DIR") or settings.get().data_dir / "kernel")


def _writable_cache_dir() -> Path:
    """That folder; where it can't be written, a temporary one for this process."""
    cache_dir = _configured_cache_dir()
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache_dir):
            return cache_dir.resolve()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="digest-kernel-"))
