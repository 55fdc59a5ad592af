"""Decodes the bytes of a bibliography, whose encoding is rarely declared. Pure."""

from __future__ import annotations

import re

from digest.errors import N_, BadInput
from digest.sources.decoding import BYTE_ORDER_MARKS

UNREADABLE = "\ufffd"
_SIGNATURES = (
    (b"%PDF", "PDF"), (b"PK\x03\x04", "ZIP"), (b"\x1f\x8b", "gzip"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"), (b"SQLite format 3", "SQLite"), (b"\x7fELF", "ELF"), (b"7z\xbc\xaf", "7z"), (b"Rar!", "RAR"),
    (b"{\\rtf", "RTF"), (b"\xd0\xcf\x11\xe0", "Microsoft Office"), (b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"),
)  # fmt: skip
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_ESCAPED_RUN = re.compile("[\udc80-\udcff]+")
_MAX_CONTROLS = 0.01  # share of control characters in a text


def decode_bibliography(data: bytes) -> str:
    """The text. Bytes that no encoding explains become U+FFFD. Raises BadInput for anything but text."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            raise BadInput(N_("this is a %(kind)s file, not a bibliography"), kind=name)
    text = _decode(data).lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    controls = sum(text.count(chr(code)) for code in (*range(9), *range(14, 32), 127))
    if controls > _MAX_CONTROLS * len(text) + 2:
        raise BadInput(N_("this is a binary file, not a bibliography"))
    return text.replace("\x00", "")


def _decode(data: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if wide := _wide_encoding(data[:1024]):
        return data.decode(wide, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _decode_legacy(data)


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 without a byte order mark, where most text is ASCII: nearly every second byte is 0."""
    half = len(sample) // 2
    if half < 2:
        return None
    if sample[1::2].count(0) > 0.7 * half and sample[::2].count(0) < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if sample[::2].count(0) > 0.7 * half and sample[1::2].count(0) < 0.1 * half else None


def _decode_legacy(data: bytes) -> str:
    """Damaged UTF-8, else a Chinese encoding where bytes above 127 come in pairs, else Windows-1252."""
    escaped = data.decode("utf-8", "surrogateescape")
    damaged = sum(len(run) for run in _ESCAPED_RUN.findall(escaped))
    intact = sum(ord(character) > 127 for character in escaped) - damaged
    if 2 * intact >= damaged:  # most such characters have two or three bytes
        return _ESCAPED_RUN.sub(_decode_run, escaped)
    runs = _HIGH_RUN.findall(data)
    pairs = sum(len(run) % 2 == 0 for run in runs)
    if pairs > 0.8 * len(runs):
        try:
            return data.decode("gb18030")
        except UnicodeDecodeError:
            pass
    return data.decode("cp1252", "replace")


def _decode_run(match: re.Match[str]) -> str:
    """One or two bytes that are no UTF-8, as Windows-1252 letters; U+FFFD for others."""
    data = match[0].encode("utf-8", "surrogateescape")
    text = data.decode("cp1252", "replace")
    return text if len(data) <= 2 and text.isalpha() else UNREADABLE
