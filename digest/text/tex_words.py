"""TeX reduced to its words, for matching: what a formula says, in letters and digits, without building its tree.

The tables are the display's (`tex_tables`), so a command means the same in what is shown and in what is found. A few
passes of regular expressions instead of `tex_reader`, which is ten times slower; a test holds the two together.
"""

from __future__ import annotations

import re

from digest.text import tex_tables as tables
from digest.text.folding import fold

# Commands whose (first) argument is no text: keys of references, names of environments, lengths, addresses.
_SKIPPED = frozenset({"begin", "end", "href", "textcolor", "raisebox", "unicode"}) | tables.DROPPED
_SKIPPED |= tables.REFERENCES | tables.LABELS
_COMMAND = re.compile(
    r"\\begin\s*\{(?:array|tabular)\*?\}\s*(?:\[[^\[\]{}]*\]\s*)?\{[^{}]*\}"
    rf"|\\(?P<skipped>{'|'.join(sorted(_SKIPPED))})(?![A-Za-z])\*?\s*(?:\[[^\[\]{{}}]*\]\s*)?\{{[^{{}}]*\}}"
    r"|\\(?P<accent>(?:[`'\"^~=.](?=\s*[\\{A-Za-z])|[uvHrckdbth](?=\s*[\\{]|\s+[A-Za-z]))\s*)"
    r"|\\(?P<name>[A-Za-z]+)\*?(?P<blank>\s*)"
    r"|\\(?P<sign>[^A-Za-z])"
    r"|(?P<between>\}\s*\{)"
)
_BARE_LAYOUT = re.compile(r"\b(?:math(?:cal|bb|bf|rm|frak|sf|it)|text(?:bf|it|tt|rm|sc)|emph|operatorname)\s*\{")
# An index belongs to its letter (x_1, Λ_b), digits to the letters before them (CO_2), a letter to an element (Cu_{x}).
_INDEX = re.compile(r"(?<![^\W_]{2})_|(?<=[^\W\d_])_(?=\{?\d)|(?<![^\W\d_]{3})_(?=\{[^\W_]\})")
_NO_WORD = re.compile(r"[\\{}$^]")
_GLUING_SIGNS = frozenset("!-/@*+()")


def without_tex(text: str) -> str:
    """The text without TeX's marks: letter commands are letters or names of letters, accents keep their letter.

    Layout, braces and dollars go; `_` and `^` glue an index or exponent to what it belongs to.
    """
    if "\\" in text:
        text = _COMMAND.sub(_reading, text)
    if "{" in text:
        text = _BARE_LAYOUT.sub("", text)
    if "_" in text:
        text = _INDEX.sub("", text).replace("_", " ")
    return _NO_WORD.sub("", text).replace("~", " ")


def _reading(found: re.Match[str]) -> str:
    """What a command leaves; an unknown one its name, as it is displayed."""
    kind = found.lastgroup
    if kind == "blank":
        name = found["name"]
        reading = _READINGS.get(name)
        if reading is None:
            return f" {name} "
        return reading + found["blank"] if name in _ENDED_BY_BLANK else reading
    if kind == "accent":
        return ""
    if kind == "sign":
        return "" if (sign := found["sign"]) in _GLUING_SIGNS else " " if sign in " \t\n\\{}[]" else sign
    return " "


def _readings() -> dict[str, str]:
    """What each command that some table knows leaves of itself: a word, letters, a gap or nothing."""
    gaps = tables.BREAKS | tables.FRACTIONS | tables.SPACES | _SKIPPED | set(tables.RELATIONS) | set(tables.FENCES)
    faces = tables.SILENT | tables.PLAIN_FONTS | frozenset(tables.ALPHABETS) | frozenset(tables.MARKS)
    readings = dict.fromkeys(faces | {"overset", "underset", "stackrel"}, "")
    readings |= dict.fromkeys(gaps | {"binom", "dbinom", "tbinom", "sqrt", "footnote", "item", "tag", "pmod"}, " ")
    readings |= {name: f" {name} " for name in tables.FUNCTIONS}
    return readings | {name: _letters(sign) for name, sign in tables.LETTERS.items()}


def _letters(sign: str) -> str:
    """A sign folded, so that a text in ASCII stays in ASCII; a gap for a sign that is no word."""
    folded = fold(sign)
    return folded if any(map(str.isalnum, folded)) else " "


_READINGS = _readings()
# The blank behind `\o` only ends its name; behind `\ell` it may be meant, where dollars were forgotten.
_ENDED_BY_BLANK = frozenset(tables.LETTERS) - tables.NATIONAL
