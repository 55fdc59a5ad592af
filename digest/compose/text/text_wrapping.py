"""Wrap and shorten text, by terminal columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

COLUMNS = 76
_BOUND = "\0"  # a blank at which no line ends; no text holds a control character
# ranges that may hold characters of two columns or none; ↑ ★ · … are one column wide
_OTHER_WIDTH = re.compile("[\u0300-\u036f\u0483-\u1fff\u20d0-\u20ff\u231a-\u2604\u2606-\u2bff\u2e80-\U0010ffff]")

_LEADING_WORDS = (
    "a", "an", "the", "and", "or", "of", "for", "with", "in", "on", "at", "by", "to", "via", "from", "under", "through",
    "using", "is", "are", "as",
)  # fmt: skip
# Matches the reversed text from its start: searching the text for its end would try every character.
_REVERSED_DANGLING = re.compile(
    rf"[\s,;:–-]*(?:(?:{'|'.join(word[::-1] for word in _LEADING_WORDS)})[\s,;:–-]+)*", re.IGNORECASE
)


def width(text: str) -> int:
    """The number of terminal columns that the text needs."""
    if _has_single_columns(text):
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def _has_single_columns(text: str) -> bool:
    """True if every character is one column wide."""
    return text.isascii() or not _OTHER_WIDTH.search(text)


def wrap(text: str, indent: str = "", columns: int = COLUMNS) -> str:
    """Wrap the text to lines of at most `columns`; a longer word is cut."""
    line_width = columns - len(indent)
    if width(text) <= line_width and "  " not in text:
        return indent + text if text else ""
    words = text.replace(" · ", f"{_BOUND}· ").split()  # a dot ends a line, it begins none
    if not words:
        return ""
    is_simple = _has_single_columns(text) and max(map(len, words)) <= line_width
    lines = _simple_lines(" ".join(words), line_width) if is_simple else _measured_lines(words, line_width)
    return "\n".join([indent + line for line in lines]).replace(_BOUND, " ")


def _simple_lines(text: str, line_width: int) -> Iterator[str]:
    """The lines of words that fit on a line, with single blanks between them, in characters of one column."""
    start = 0
    while len(text) - start > line_width:
        end = text.rfind(" ", start, start + line_width + 1)
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _measured_lines(words: Sequence[str], line_width: int) -> list[str]:
    """The lines of any words, whose columns are counted word by word."""
    lines: list[str] = []
    line, used = "", 0
    for word in words:
        for part in _split_word(word, line_width):
            size = width(part)
            if line and used + 1 + size > line_width:
                lines.append(line)
                line, used = part, size
            else:
                line, used = (f"{line} {part}", used + 1 + size) if line else (part, size)
    return [*lines, line] if line else lines


def _split_word(word: str, line_width: int) -> list[str]:
    """The word, or pieces of it that fit on a line."""
    if width(word) <= line_width:
        return [word]
    parts, part, used = [], "", 0
    for character in word:
        size = width(character)
        if used + size > line_width:
            parts.append(part)
            part, used = "", 0
        part += character
        used += size
    return [*parts, part]


def shorten(text: str, max_length: int) -> str:
    """The text, or its beginning up to a word that can stand at the end, with one `…`; at most `max_length` long."""
    if len(text) <= max_length:
        return text
    cut = text[: max_length - 1]
    blank = cut.rfind(" ")
    cut = cut[:blank] if blank > max_length // 2 else cut
    return without_dangling_words(cut).rstrip(" ,;:–-(") + "…"


def without_dangling_words(text: str) -> str:
    """A beginning without words that lead on to others (`for the`), unless it has no others."""
    dangling = _REVERSED_DANGLING.match(text[::-1])
    end = len(text) - (dangling.end() if dangling else 0)
    return text[:end] or text
