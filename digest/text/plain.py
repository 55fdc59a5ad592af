"""Text in one line, without what steers terminals or hides. For everything that somebody else wrote."""

from __future__ import annotations

import re

# controls, marks that turn the direction of text, signs nobody sees, halves of characters
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e"
    r"\u2060-\u2069\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def one_line(text: str) -> str:
    """The text with every run of blanks and line ends made one blank, without controls and invisible signs."""
    if text.isascii() and text.isprintable():  # nothing to take away; nearly every text, and much faster
        return " ".join(text.split())
    return " ".join(_UNSEEN.sub("", text).split())
