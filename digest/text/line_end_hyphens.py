"""Rejoins words hyphenated at a line end: `ad- dress` is address, but `pre- and post-training` stays.

A word is rejoined where it is a common one (`common_words.txt`: words of at least 100 of 128,558 abstracts)
and one of its halves is not. Where both halves are words the hyphen may be intended (`self- supervised`), so it stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

_HYPHEN_AND_BLANK = re.compile(r"-\s+(?=[a-z]{2})")  # short and rare, so that searching it is fast
_BEFORE = re.compile(r"(?<![\w-])[A-Za-z][a-z]+$")
_AFTER = re.compile(r"[a-z]{2,}(?![\w-])")
_MAX_WORD_LETTERS = 30  # letters of a word


def rejoin_hyphenated(text: str) -> str:
    """The text with words rejoined that were hyphenated at a line end."""
    if "- " not in text and "-\n" not in text:
        return text
    pieces: list[str] = []
    position = 0
    for start, end in line_end_hyphens(text):
        pieces.append(text[position:start])
        position = end
    return "".join([*pieces, text[position:]])


def line_end_hyphens(text: str) -> Iterator[tuple[int, int]]:
    """The offsets of hyphens at line ends with the blanks behind them, in order."""
    for match in _HYPHEN_AND_BLANK.finditer(text):
        if _is_line_end_hyphen(text, match.start(), match.end()):
            yield match.span()


def _is_line_end_hyphen(text: str, hyphen: int, end: int) -> bool:
    """True where the words around the hyphen are the halves of a common one."""
    before = _BEFORE.search(text, max(0, hyphen - _MAX_WORD_LETTERS), hyphen)
    after = _AFTER.match(text, end, end + _MAX_WORD_LETTERS)
    if not before or not after:
        return False
    words, first, second = _common_words(), before[0].lower(), after[0]
    return first + second in words and not (first in words and second in words)


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    return frozenset((files("digest.text") / "common_words.txt").read_text("ascii").split())
