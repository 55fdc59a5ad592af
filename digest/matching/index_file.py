"""An index of papers in a file: a line of JSON, then its arrays, ready to be mapped into memory."""

from __future__ import annotations

import hashlib
import json
import mmap
import zlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from digest.errors import BadInput
from digest.matching.index import Index

_MAGIC = b"papers index 2\n"
_HERE = Path(__file__).parent


def _state() -> str:
    """What tells an index made by this code from one of another version: the rules of text may have changed."""
    ours = (_HERE / "index.py", _HERE / "words.py", Path(__file__))
    sources = [*sorted((_HERE.parent / "text").glob("*.py")), *ours]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]


STATE = _state()


def to_bytes(index: Index) -> bytes:
    """The index as bytes: a line of JSON, then its arrays, each at a multiple of 64."""
    head: dict[str, Any] = {}
    parts: list[bytes] = []
    at = 0
    for field in fields(Index):
        value = getattr(index, field.name)
        raw = "\0".join(value).encode("utf-8", "surrogatepass") if isinstance(value, tuple) else value.tobytes()
        kind = f"words {len(value)}" if isinstance(value, tuple) else value.dtype.str
        head[field.name] = (kind, at, len(raw))
        parts += [raw, bytes(-len(raw) % 64)]
        at += len(raw) + -len(raw) % 64
    body = b"".join(parts)
    told = {"fields": head, "size": len(body), "sum": zlib.adler32(body)}
    first = _MAGIC + json.dumps(told).encode() + b"\n"
    return first + b" " * (-len(first) % 64) + body


def read(path: Path) -> Index:
    """The index in a file, mapped into memory. Raises BadInput for one that is cut, changed or not ours; OSError."""
    with path.open("rb") as file:
        try:
            ours = file.read(len(_MAGIC)) == _MAGIC
            told = json.loads(file.readline()) if ours else {}
            # A private copy that nobody writes to: arrays that can't be written would be a type of their own.
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))[-told.get("size", 1) :]
        except ValueError as error:
            raise BadInput("an index of papers that is cut", field=path.name) from error
    if not ours:
        raise BadInput("not an index of papers, or from another version", field=path.name)
    if len(view) != told["size"] or zlib.adler32(view) != told["sum"]:
        raise BadInput("an index of papers that is cut or changed", field=path.name)
    return Index(**{key: _value(view[at : at + size], kind) for key, (kind, at, size) in told["fields"].items()})


def _value(raw: memoryview, kind: str) -> Any:
    if not kind.startswith("words"):
        return np.frombuffer(raw, kind)
    words = bytes(raw).decode("utf-8", "surrogatepass").split("\0")
    return tuple(words) if kind != "words 0" else ()
