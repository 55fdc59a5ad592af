"""An index of papers in a file: a line of JSON, then its arrays, ready to be mapped into memory."""

from __future__ import annotations

import json
import mmap
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from digest.errors import BadInput
from digest.matching.index import Index

_MAGIC = b"papers index 1\n"


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
    first = _MAGIC + json.dumps(head).encode() + b"\n"
    return first + b" " * (-len(first) % 64) + b"".join(parts)


def read(path: Path) -> Index:
    """The index in a file, mapped into memory: only what is looked at is read. Raises BadInput."""
    with path.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    if bytes(view[: len(_MAGIC)]) != _MAGIC:
        raise BadInput("not an index of papers, or from another version", field=path.name)
    end = bytes(view[len(_MAGIC) : 1 << 14]).index(b"\n") + len(_MAGIC)
    begin = end + 1 + -(end + 1) % 64
    found: dict[str, Any] = {}
    for key, (kind, at, size) in json.loads(bytes(view[len(_MAGIC) : end])).items():
        raw = view[begin + at : begin + at + size]
        if kind.startswith("words"):
            words = bytes(raw).decode("utf-8", "surrogatepass").split("\0")
            found[key] = tuple(words) if kind != "words 0" else ()
        else:
            found[key] = np.frombuffer(raw, kind)
    return Index(**found)
