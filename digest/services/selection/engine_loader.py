"""The engine's machine code: loaded where many papers are matched, nowhere else; kept in DATA_DIR between processes."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

from digest import settings
from digest.matching.kernel import kernel_version

READY = "ready"  # the file beside the machine code that says that all of it is there


@cache
def engine() -> ModuleType:
    """Choosing by the engine. The first call in a process loads its code; the first of all makes it, in half a minute.

    Where code must be made, one process does it and the others wait.
    """
    os.environ["NUMBA_CACHE_DIR"] = str(_folder())
    from digest.services.selection import engine_backend, engine_warmup

    engine_warmup.warm_up()
    return engine_backend


def compiled() -> bool:
    """True where the machine code is made already: using the engine takes seconds, not a minute. Loads nothing."""
    return engine.cache_info().currsize > 0 or (_place() / kernel_version.folder_name() / READY).exists()


def _place() -> Path:
    """Where machine code is kept: NUMBA_CACHE_DIR, else DATA_DIR."""
    return Path(os.environ.get("NUMBA_CACHE_DIR") or settings.get().data_dir / "kernel")


def _folder() -> Path:
    """That folder; where it can't be written, one for this process."""
    folder = _place()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder.resolve()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="digest-kernel-"))
