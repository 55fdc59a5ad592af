"""Which state of the kernel's sources machine code was made of. Imports no compiler, so that anybody may ask."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_SOURCES = (
    "arrays", "candidates", "close", "jit", "kernel", "notes", "pairs", "phrases", "profiles", "reasons", "sets",
    "sums", "vectors", "writing",
)  # fmt: skip


@cache
def folder_name() -> str:
    """The name of the folder for machine code of these sources, below NUMBA_CACHE_DIR."""
    sources = (path for name in _SOURCES if (path := _HERE / f"{name}.py").exists())
    return "matching-" + hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
