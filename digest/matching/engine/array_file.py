"""Named arrays and lists of words in a file: a header line of JSON, then each at a multiple of 64 bytes, for mmap."""

from __future__ import annotations

import json
import mmap
import zlib
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from digest.errors import BadInput


def to_bytes(magic: bytes, values: Mapping[str, Any]) -> bytes:
    """Serialise arrays and tuples of words, after a header line that describes them."""
    head: dict[str, Any] = {}
    parts: list[bytes] = []
    at = 0
    for name, value in values.items():
        raw = "\0".join(value).encode("utf-8", "surrogatepass") if isinstance(value, tuple) else value.tobytes()
        kind = f"words {len(value)}" if isinstance(value, tuple) else value.dtype.str
        head[name] = (kind, at, len(raw))
        parts += [raw, bytes(-len(raw) % 64)]
        at += len(raw) + -len(raw) % 64
    body = b"".join(parts)
    told = {"fields": head, "size": len(body), "sum": zlib.adler32(body)}
    first = magic + json.dumps(told).encode() + b"\n"
    return first + b" " * (-len(first) % 64) + body


def read(path: Path, magic: bytes, kind: str, later: Collection[str] = ()) -> dict[str, Any]:
    """Read a file; arrays are mapped into memory. Raises BadInput for a truncated, changed or foreign file; OSError.

    `kind`: the expected kind of file, for the error. The lists named in `lazy_names` are returned as functions.
    """
    with path.open("rb") as file:
        try:
            ours = file.read(len(magic)) == magic
            told = json.loads(file.readline()) if ours else {}
            good = ours and _good(file, told)
            # A private copy that nobody writes to: arrays that can't be written would be a type of their own.
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))[-told.get("size", 1) :]
        except ValueError as error:
            raise BadInput(f"{kind} that is cut", field=path.name) from error
    if not ours:
        raise BadInput(f"not {kind}, or from another version", field=path.name)
    if not good:
        raise BadInput(f"{kind} that is cut or changed", field=path.name)
    made = {key: partial(_value, view[at : at + size], kind) for key, (kind, at, size) in told["fields"].items()}
    return {key: value if key in later else value() for key, value in made.items()}


def _good(file: BinaryIO, told: dict[str, Any]) -> bool:
    """True where size and checksum of the body are right. Read in parts, because mapped pages would take memory."""
    file.seek(-file.tell() % 64, 1)
    size, found = 0, 1
    while part := file.read(1 << 20):
        size, found = size + len(part), zlib.adler32(part, found)
    return (size, found) == (told["size"], told["sum"])


def _value(raw: memoryview, kind: str) -> Any:
    if not kind.startswith("words"):
        return np.frombuffer(raw, kind)
    words = bytes(raw).decode("utf-8", "surrogatepass").split("\0")
    return tuple(words) if kind != "words 0" else ()
