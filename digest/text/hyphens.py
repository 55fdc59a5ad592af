"""Words that a line end has cut: `ad- dress` is address, but `pre- and post-training` stays.

A cut is mended where the joined word is a common one (`common_words.txt`: words of at least 100 of 128,558 abstracts)
and one of its halves is not. Where both halves are words the hyphen may be meant (`self- supervised`), so it stays.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

_CUT = re.compile(r"(?<![^\W\d_])(?<!-)([A-Za-z][a-z]+)-\s+([a-z]{2,})(?![\w-])")


def rejoin(text: str) -> str:
    """The text with words put together again that a hyphen and a line end have cut."""
    if "- " not in text and "-\n" not in text:
        return text
    return _CUT.sub(_mended, text)


def _mended(found: re.Match[str]) -> str:
    first, second = found[1].lower(), found[2]
    words = _common_words()
    if first + second in words and not (first in words and second in words):
        return found[1] + second
    return found[0]


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    return frozenset((files("digest.text") / "common_words.txt").read_text("ascii").split())
