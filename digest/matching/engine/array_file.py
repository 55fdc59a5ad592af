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
    field_table: dict[str, Any] = {}
    parts: list[bytes] = []
    offset = 0
    for name, value in values.items():
        raw = "\0".join(value).encode("utf-8", "surrogatepass") if isinstance(value, tuple) else value.tobytes()
        kind = f"words {len(value)}" if isinstance(value, tuple) else value.dtype.str
        field_table[name] = (kind, offset, len(raw))
        parts += [raw, bytes(-len(raw) % 64)]
        offset += len(raw) + -len(raw) % 64
    body = b"".join(parts)
    header = {"fields": field_table, "size": len(body), "sum": zlib.adler32(body)}
    first_line = magic + json.dumps(header).encode() + b"\n"
    return first_line + b" " * (-len(first_line) % 64) + body


def read(path: Path, magic: bytes, kind: str, lazy_names: Collection[str] = ()) -> dict[str, Any]:
    """Read a file; arrays are mapped into memory. Raises BadInput for a truncated, changed or foreign file; OSError.

    `kind`: the expected kind of file, for the error. The lists named in `lazy_names` are returned as functions.
    """
    with path.open("rb") as file:
        try:
            has_magic = file.read(len(magic)) == magic
            header = json.loads(file.readline()) if has_magic else {}
            is_intact = has_magic and _is_intact(file, header)
            # A private copy that nobody writes to: arrays that can't be written would be a type of their own.
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))[-header.get("size", 1) :]
        except ValueError as error:
            raise BadInput(f"{kind} that is cut", field=path.name) from error
    if not has_magic:
        raise BadInput(f"not {kind}, or from another version", field=path.name)
    if not is_intact:
        raise BadInput(f"{kind} that is cut or changed", field=path.name)
    decoders = {
        key: partial(_decode_value, view[begin : begin + size], kind)
        for key, (kind, begin, size) in header["fields"].items()
    }
    return {key: value if key in lazy_names else value() for key, value in decoders.items()}


def _is_intact(file: BinaryIO, header: dict[str, Any]) -> bool:
    """True where size and checksum of the body are right. Read in parts, because mapped pages would take memory."""
    file.seek(-file.tell() % 64, 1)
    size, checksum = 0, 1
    while part := file.read(1 << 20):
        size, checksum = size + len(part), zlib.adler32(part, checksum)
    return (size, checksum) == (header["size"], header["sum"])


def _decode_value(raw: memoryview, kind: str) -> Any:
    if not kind.startswith("words"):
        return np.frombuffer(raw, kind)
    words = bytes(raw).decode("utf-8", "surrogatepass").split("\0")
    return tuple(words) if kind != "words 0" else ()
