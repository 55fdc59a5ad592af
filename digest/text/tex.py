"""Converts TeX to readable text: to Unicode where possible, the rest to readable source without backslashes.

Braces form a tree; dollars only switch between prose and mathematics. Nothing raises, and the time is linear.
"""

from __future__ import annotations

import re

from digest.caching import BoundedCache
from digest.text.half_stripped_tex import restore_stripped
from digest.text.line_end_hyphens import rejoin_hyphenated
from digest.text.plain_text import normalize, one_line
from digest.text.tex_pieces import join
from digest.text.tex_reader import TexParser

_SINGLE_QUOTES = re.compile(r"(?<![\w`\\])`(?=[^\s`'])([^`']{0,80}[^\s`'])''?(?![\w'])")
_BRACKET_BLANKS = re.compile(r"(?<=[⟨⌊⌈]) | (?=[⟩⌋⌉])")
_TEX = re.compile(r"[\\${}^~`]|''|--|mathcal|mathbb|varepsilon|varphi|tilde")
_SOLAR_UNIT = re.compile(r"(?<![\w\\^{])([LMRZ])_(?:\{(?:\\rm )?[Ss]un\}|[Ss]un)(?![\w])")
_EMPHASIS = re.compile(r"(?<![\w*])\*([^\W\d_][^\W_]*(?:[ -][^\W_]+){0,6})\*(?![\w*])")
_CACHE: BoundedCache[str] = BoundedCache(max_entries=4096, max_bytes=8 << 20, size_of=lambda text: 4 * len(text))


def readable(text: str) -> str:
    """TeX to Unicode for titles, abstracts and names, in one line. Plain text is unchanged.

    Texts with TeX are rendered once and cached.
    """
    if not _TEX.search(text):
        return render(text)[0]
    return _CACHE.get(text, lambda: render(text)[0])


def _plain_notation(text: str) -> str:
    """`M_sun` as `M⊙`, and `*emphasis*` without its stars."""
    if "_" in text:
        text = _SOLAR_UNIT.sub(r"\1⊙", text)
    return _EMPHASIS.sub(r"\1", text) if "*" in text else text


def render(text: str) -> tuple[str, int]:
    """Like `readable`, with the number of unknown commands, which are shown by their names."""
    text = _plain_notation(rejoin_hyphenated(one_line(text)))
    if not _TEX.search(text):
        return text, 0
    if "`" in text:
        text = _SINGLE_QUOTES.sub(r"‘\1’", text)
    parser = TexParser(restore_stripped(text))
    rendered = normalize(join(parser.group(0))).replace("\\", "")
    if "⟩" in rendered or "⌋" in rendered or "⌉" in rendered:
        rendered = _BRACKET_BLANKS.sub("", rendered)
    return " ".join(rendered.split()), parser.unknown
