"""An index of papers in a file, ready to be mapped into memory."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path

from digest.matching import array_file
from digest.matching.index import Index

_MAGIC = b"papers index 2\n"
_HERE = Path(__file__).parent


def _state() -> str:
    """What tells an index made by this code from one of another version: the rules of text may have changed."""
    ours = (_HERE / "index.py", _HERE / "words.py", Path(__file__))
    sources = [*sorted(path for path in (_HERE.parent / "text").iterdir() if path.suffix in {".py", ".txt"}), *ours]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]


STATE = _state()


def to_bytes(index: Index) -> bytes:
    """The index as bytes."""
    return array_file.to_bytes(_MAGIC, {field.name: getattr(index, field.name) for field in fields(Index)})


def read(path: Path) -> Index:
    """The index in a file, mapped into memory. Raises BadInput for one that is cut, changed or not ours; OSError."""
    return Index(**array_file.read(path, _MAGIC, "an index of papers"))
