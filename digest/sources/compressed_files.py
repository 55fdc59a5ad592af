"""Saved answers as files: their lines or bytes, unpacked where the name ends in .gz or .xz, bounded either way."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from digest.errors import BadInput

MOST_BYTES = 64 * 1024 * 1024
MOST_LINE = 8 * 1024 * 1024
_READ_ERRORS = (OSError, EOFError, lzma.LZMAError, zlib.error)


class CutShort(BadInput):
    """The file ends before it should; what was read up to there is good."""


def lines(path: Path) -> Iterator[bytes]:
    """The file's lines; of one that is too long only the beginning, which is too long still.

    Raises BadInput for a file that can't be opened, CutShort where it breaks off.
    """
    with _open(path) as file:
        while line := _read_line(file, path):
            yield line


def whole(path: Path) -> bytes:
    """The file's bytes. Raises BadInput, also where there are more than `MOST_BYTES`."""
    with _open(path) as file:
        try:
            data = file.read(MOST_BYTES + 1)
        except _READ_ERRORS as error:
            raise BadInput(f"{path}: can't be read ({error})", field="file") from error
    if len(data) > MOST_BYTES:
        raise BadInput(f"{path}: more than {MOST_BYTES} bytes", field="file")
    return data


def _open(path: Path) -> IO[bytes]:
    try:
        if path.suffix == ".gz":
            return cast("IO[bytes]", gzip.open(path))
        return lzma.open(path) if path.suffix == ".xz" else path.open("rb")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or 'can not be read'}", field="file") from error


def _read_line(file: IO[bytes], path: Path) -> bytes:
    """The next line, or its beginning. Raises CutShort."""
    try:
        line = file.readline(MOST_LINE + 1)
        end = line
        while len(line) > MOST_LINE and end and not end.endswith(b"\n"):
            end = file.readline(MOST_LINE)
    except _READ_ERRORS as error:
        raise CutShort(f"{path.name}: breaks off ({error})", field="file") from error
    return line
