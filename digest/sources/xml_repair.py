"""Repairs XML text refused for single characters: those forbidden by XML 1.0, and entities that only HTML defines.

Markup is not changed. CDATA sections keep their text, comments and processing instructions are removed. Pure; linear
time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from typing import NamedTuple

from digest.errors import BadInput

MAX_REFERENCES = 1_000_000
# https://www.w3.org/TR/xml/#charsets
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(
    r"&(?:#([0-9]{1,9}|[xX][0-9a-fA-F]{1,8});|([A-Za-z][A-Za-z0-9]{1,31});|(#[0-9a-zA-Z]{9,200};))?"
)
_PREDEFINED = frozenset({"lt", "gt", "amp", "quot", "apos"})
_STRAY_LESS_THAN = re.compile(r"<(?![A-Za-z_/!?])")
_OPENER = re.compile(r"<!\[CDATA\[|<!--|<\?")
_CLOSERS = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


class LiteralSpan(NamedTuple):
    """A CDATA section, comment or processing instruction, identified by its opener.

    `is_closed`: it has its own terminator; else it ends with the item around it.
    """

    opener: str
    start: int
    end: int
    is_closed: bool


def repair(text: str, item_end: re.Pattern[str]) -> str:
    """Repair what needs no guessing. `item_end` matches the closing tag of an item.

    Raises BadInput for very many references.
    """
    text = _FORBIDDEN.sub("", text).lstrip()
    if text.count("&") > MAX_REFERENCES:
        raise BadInput(f"more than {MAX_REFERENCES} references in one document")
    parts, position = [], 0
    for literal in literals(text, item_end):
        parts.append(_repair_part(text[position : literal.start]))
        parts.append(_literal_text(text[literal.start : literal.end], literal))
        position = literal.end
    parts.append(_repair_part(text[position:]))
    return "".join(parts)


def literals(text: str, item_end: re.Pattern[str]) -> Iterator[LiteralSpan]:
    """The literal parts in order.

    One that contains the end of an item and then another opener of its kind was not closed: the terminator belongs to
    the other one.
    """
    search = _PositionSearch(text)
    position = 0
    while opening := _OPENER.search(text, position):
        opener, start, content_start = opening[0], opening.start(), opening.end()
        closing = search.next(_CLOSERS[opener], content_start)
        item = search.next(item_end, content_start)
        next_opening = search.next(opener, content_start)
        closed = closing >= 0 and not 0 <= item < next_opening < closing
        position = closing + len(_CLOSERS[opener]) if closed else item if item >= 0 else len(text)
        yield LiteralSpan(opener, start, position, closed)


class _PositionSearch:
    """Finds the next position of a text or pattern; for increasing start positions it scans the text once for each."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._positions: dict[str | re.Pattern[str], int] = {}

    def next(self, target: str | re.Pattern[str], start: int) -> int:
        """The first position at or after `start`, -1 for none."""
        position = self._positions.get(target)
        if position is None or 0 <= position < start:
            position = self._positions[target] = self._find(target, start)
        return position

    def _find(self, target: str | re.Pattern[str], start: int) -> int:
        if isinstance(target, str):
            return self._text.find(target, start)
        match = target.search(self._text, start)
        return match.start() if match else -1


def _literal_text(part: str, literal: LiteralSpan) -> str:
    """A literal part after the repair; newlines are kept, so that line numbers stay right."""
    return part if literal.opener == "<![CDATA[" or not literal.is_closed else "\n" * part.count("\n")


def _repair_part(part: str) -> str:
    if "&" in part:
        part = _REFERENCE.sub(_reference, part)
    return _STRAY_LESS_THAN.sub("&lt;", part).replace("]]>", "]]&gt;")


def _reference(match: re.Match[str]) -> str:
    """Replace a reference: itself where XML defines it, the character of an HTML name, else an escaped `&`."""
    number, name, overlong = match.groups()
    if number:
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
        return "" if code > 0x10FFFF or _FORBIDDEN.match(chr(code)) else f"&#{code};"
    if overlong:
        return ""
    if name in _PREDEFINED:
        return match[0]
    character = html5.get(f"{name};") if name else None
    return character.translate(_ESCAPES) if character else f"&amp;{match[0][1:]}"
