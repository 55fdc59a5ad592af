"""TeX made readable. What can be said in Unicode is; the rest stays as readable source, never with a backslash.

A formula's braces make a tree, whatever its dollars say; dollars only switch between the reading of prose and of
mathematics. Nothing raises, and time grows with the length of the text.
"""

from __future__ import annotations

import re
import unicodedata

from digest.text.plain import one_line
from digest.text.tex_pieces import join
from digest.text.tex_reader import Reader
from digest.text.tex_stripped import mend

_TEX = re.compile(r"[\\${}^~`]|''|--|mathcal|mathbb|varepsilon|varphi|tilde")


def readable(text: str) -> str:
    """TeX to Unicode for titles, abstracts and names, in one line. Plain text comes back as it is."""
    return render(text)[0]


def render(text: str) -> tuple[str, int]:
    """Like `readable`, with the number of commands that no table knows (shown by their names)."""
    text = one_line(text)
    if not _TEX.search(text):
        return text, 0
    reader = Reader(mend(text))
    rendered = join(reader.group(0))
    return one_line(unicodedata.normalize("NFC", rendered).replace("\\", "")), reader.unknown
