"""TeX made readable. What can be said in Unicode is; the rest stays as readable source, never with a backslash.

A formula's braces make a tree, whatever its dollars say; dollars only switch between the reading of prose and of
mathematics. Nothing raises, and time grows with the length of the text.
"""

from __future__ import annotations

import re

from digest.caching import BoundedCache
from digest.text.hyphens import rejoin
from digest.text.plain_text import normalize, one_line
from digest.text.tex_pieces import join
from digest.text.tex_reader import TexReader
from digest.text.tex_stripped import restore_stripped

_SINGLE_QUOTES = re.compile(r"(?<![\w`\\])`(?=[^\s`'])([^`']{0,80}[^\s`'])''?(?![\w'])")
_BRACKET_BLANKS = re.compile(r"(?<=[⟨⌊⌈]) | (?=[⟩⌋⌉])")
_TEX = re.compile(r"[\\${}^~`]|''|--|mathcal|mathbb|varepsilon|varphi|tilde")
_CACHE: BoundedCache[str] = BoundedCache(max_entries=4096, max_bytes=8 << 20, size_of=lambda text: 4 * len(text))


def readable(text: str) -> str:
    """TeX to Unicode for titles, abstracts and names, in one line. Plain text comes back as it is.

    Texts with TeX are rendered once and cached.
    """
    if not _TEX.search(text):
        return render(text)[0]
    return _CACHE.get(text, lambda: render(text)[0])


def render(text: str) -> tuple[str, int]:
    """Like `readable`, with the number of commands that no table knows (shown by their names)."""
    text = rejoin(one_line(text))
    if not _TEX.search(text):
        return text, 0
    if "`" in text:
        text = _SINGLE_QUOTES.sub(r"‘\1’", text)
    reader = TexReader(restore_stripped(text))
    rendered = normalize(join(reader.group(0))).replace("\\", "")
    if "⟩" in rendered or "⌋" in rendered or "⌉" in rendered:
        rendered = _BRACKET_BLANKS.sub("", rendered)
    return " ".join(rendered.split()), reader.unknown
