"""Reads saved files, decompressing .gz and .xz, with limits on size and line length."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from digest.errors import BadInput

MAX_BYTES = 64 * 1024 * 1024
MAX_LINE = 8 * 1024 * 1024
_READ_ERRORS = (OSError, EOFError, lzma.LZMAError, zlib.error)


class TruncatedFile(BadInput):
    """The file is truncated; what was read before is valid."""


def read_lines(path: Path) -> Iterator[bytes]:
    """The file's lines; an overlong line is shortened to MAX_LINE + 1 bytes, so that the caller can refuse it.

    Raises BadInput for a file that can't be opened, CutShort where it is truncated.
    """
    with _open(path) as file:
        while line := _read_line(file, path):
            yield line


def read_whole(path: Path) -> bytes:
    """The file's bytes. Raises BadInput, also where there are more than `MAX_BYTES`."""
    with _open(path) as file:
        try:
            data = file.read(MAX_BYTES + 1)
        except _READ_ERRORS as error:
            raise BadInput(f"{path}: can't be read ({error})", field="file") from error
    if len(data) > MAX_BYTES:
        raise BadInput(f"{path}: more than {MAX_BYTES} bytes", field="file")
    return data


def _open(path: Path) -> IO[bytes]:
    try:
        if path.suffix == ".gz":
            return cast("IO[bytes]", gzip.open(path))
        return lzma.open(path) if path.suffix == ".xz" else path.open("rb")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or 'can not be read'}", field="file") from error


def _read_line(file: IO[bytes], path: Path) -> bytes:
    """The next line, shortened where it is too long. Raises CutShort."""
    try:
        line = file.readline(MAX_LINE + 1)
        tail = line
        while len(line) > MAX_LINE and tail and not tail.endswith(b"\n"):
            tail = file.readline(MAX_LINE)
    except _READ_ERRORS as error:
        raise TruncatedFile(f"{path.name}: breaks off ({error})", field="file") from error
    return line
