"""Decodes an answer whatever its real or declared character set. Pure.

Valid UTF-8 is taken as UTF-8: servers declare other sets for it, and text in other sets is rarely valid UTF-8.
"""

from __future__ import annotations

import codecs
import re

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
# Codecs that only map bytes to characters. Declared latin-1 is read as Windows-1252 (WHATWG).
_WINDOWS_1252_NAMES = frozenset({"iso8859-1", "cp1252"})
_OTHER_CODECS = frozenset(
    {f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)}
    | {f"cp125{n}" for n in (0, 1, 3, 4, 5, 6, 7, 8)}
    | {"koi8-r", "koi8-u", "gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"}
)
_ESCAPED = re.compile("[\udc80-\udcff]+")
_MAX_REPAIRED = 100_000  # runs of invalid bytes that are repaired; further ones are removed
_SAMPLE = 16


def decode(data: bytes) -> str:
    """Decode without the byte order mark. Invalid bytes are removed; never raises."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _decode_as(data[len(mark) :], encoding)
    sample = data[:_SAMPLE]
    if len(sample) == _SAMPLE and 0 in sample:  # UTF-16 of mostly ASCII text: every second byte is 0
        if not any(sample[1::2]) and all(sample[::2]):
            return _decode_as(data, "utf-16-le")
        if not any(sample[::2]) and all(sample[1::2]):
            return _decode_as(data, "utf-16-be")
    return _decode_as(data, "utf-8")


def _decode_as(data: bytes, encoding: str) -> str:
    if encoding != "utf-8":
        return data.decode(encoding, "ignore").lstrip("\ufeff")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = _decode_as_declared(data) or _decode_repaired(data)
    return text.lstrip("\ufeff")


def _decode_as_declared(data: bytes) -> str:
    """Decode with the character set of the XML declaration; '' where there is none or it does not fit."""
    declaration = _DECLARED.match(data[:400])
    if not declaration:
        return ""
    try:
        name = codecs.lookup(declaration[1].decode()).name
        if name in _WINDOWS_1252_NAMES:
            return data.decode("cp1252", "ignore")
        return data.decode(name) if name in _OTHER_CODECS else ""
    except (LookupError, UnicodeDecodeError):
        return ""


def _decode_repaired(data: bytes) -> str:
    """Decode UTF-8 with invalid bytes: single Windows-1252 letters are read as such, the rest is removed."""
    escaped = data.decode("utf-8", "surrogateescape")
    return _ESCAPED.sub("", _ESCAPED.sub(_decode_invalid_bytes, escaped, count=_MAX_REPAIRED))


def _decode_invalid_bytes(match: re.Match[str]) -> str:
    data = match[0].encode("utf-8", "surrogateescape")
    if len(data) == 1:
        # the byte ff and the signs for times and division are damage more often than text
        return data.decode("cp1252") if 0xC0 <= data[0] <= 0xFE and data not in b"\xd7\xf7" else ""
    surrogates = data.decode("utf-8", "surrogatepass") if _is_cesu8(data) else ""
    return surrogates.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _is_cesu8(data: bytes) -> bool:
    """True for characters beyond U+FFFF that were written as two surrogates of three bytes each (CESU-8)."""
    return len(data) % 6 == 0 and all(
        data[offset] == 0xED
        and 0xA0 <= data[offset + 1] <= 0xAF
        and data[offset + 3] == 0xED
        and 0xB0 <= data[offset + 4] <= 0xBF
        for offset in range(0, len(data), 6)
    )
