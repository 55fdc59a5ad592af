"""TeX reduced to its words, for matching: what a formula says, in letters and digits, without building its tree.

The tables are the display's (`tex_tables`), so a command means the same in what is shown and in what is found. A few
passes of regular expressions instead of `tex_reader`, which is ten times slower; a test holds the two together.
"""

from __future__ import annotations

import re
from functools import lru_cache

from digest.text import tex_tables as tables
from digest.text.folding import GREEK, fold_text

# Commands whose (first) argument is no text: keys of references, names of environments, lengths, addresses.
_SKIPPED = frozenset({"begin", "end", "href", "textcolor", "raisebox", "unicode"}) | tables.DROPPED
_SKIPPED |= tables.REFERENCES | tables.LABELS
# `split` parts a text into prose and commands. Accents are outside the group: what `\c` or `\'` leaves depends on what
# follows, what any other command leaves only on itself. Alternatives begin with a literal, so `re` skips prose quickly.
_COMMAND = re.compile(
    r"\\(?:[`'\"^~=.](?=\s*[\\{A-Za-z])|[uvHrckdbth](?=\s*[\\{]|\s+[A-Za-z]))\s*"
    r"|(\\begin\s*\{(?:array|tabular)\*?\}\s*(?:\[[^\[\]{}]*\]\s*)?\{[^{}]*\}"
    rf"|\\(?:{'|'.join(sorted(_SKIPPED))})(?![A-Za-z])\*?\s*(?:\[[^\[\]{{}}]*\]\s*)?\{{[^{{}}]*\}}"
    r"|\\[A-Za-z]+\*?\s*|\\[^A-Za-z]|\}\s*\{)"
)
_NAME = re.compile(r"\\([A-Za-z]+)\*?(\s*)")
_LAYOUT = (*(f"math{face}" for face in ("cal", "bb", "bf", "rm", "frak", "sf", "it")), "emph", "operatorname")
_LAYOUT += tuple(f"text{face}" for face in ("bf", "it", "tt", "rm", "sc"))
_BARE_LAYOUT = re.compile(rf"\b(?:{'|'.join(_LAYOUT)})\s*\{{")
# An index belongs to its letter (x_1, Λ_b), digits to the letters before them (CO_2), a letter to an element (Cu_{x}).
_INDEX = re.compile(r"_(?:(?<![^\W_]{2}_)|(?<=[^\W\d_]_)(?=\{?\d)|(?<![^\W\d_]{3}_)(?=\{[^\W_]\}))")
# An index with the exponent that follows, where a letter or digit comes next, but no acronym (Λ_sCDM is one name).
_INDEX_BEFORE_WORD = re.compile(
    r"_(?:\{(?:[^{}]|\{[^{}]{0,40}\}){0,40}\}|[^\W_])(?:\^(?:\{[^{}]{0,40}\}|[^\W_]))?(?=[{}$]*[^\W_])(?![{}$]*[A-Z]{2})"
)
_EXPONENT_AT_END = re.compile(r"\^(?:\{[^{}]*\}|[^\W_])$")
_LETTERS_AT_END = re.compile(r"[^\W\d_]+$")
_GREEK_NAMES = frozenset(GREEK.values())
_LONGEST_BASE = 30  # characters before an index in which its Greek letter is looked for
_GLUING_SIGNS = frozenset("!-/@*+()")


def without_tex(text: str) -> str:
    """The text without TeX's marks: letter commands are letters or names of letters, accents keep their letter.

    Layout, braces and dollars go; `_` and `^` glue an index or exponent to what it belongs to.
    """
    if "\\" in text:
        parts = _COMMAND.split(text)
        parts[1::2] = [_reading(command) if command else "" for command in parts[1::2]]
        text = "".join(parts)
    if "{" in text and _has_bare_layout(text):
        text = _BARE_LAYOUT.sub("", text)
    if "_" in text:
        text = _INDEX_BEFORE_WORD.sub(_with_gap_after_greek, text)
        text = _INDEX.sub("", text).replace("_", " ")
    for mark in "\\{}$^":  # five times quicker than an expression
        text = text.replace(mark, "")
    return text.replace("~", " ")


def _with_gap_after_greek(index: re.Match[str]) -> str:
    """The index, with a gap after it where its letter is Greek: Ω_{m}h is two symbols, while Cu_{x}Bi is one word.

    An index without braces is one character only behind a command, whose reading ends in a blank.
    """
    before = index.string[max(0, index.start() - _LONGEST_BASE) : index.start()].rstrip("{}$")
    before = _EXPONENT_AT_END.sub("", before).rstrip("{}$")
    is_symbol = index[0].startswith("_{") or before.endswith(" ")
    base = _LETTERS_AT_END.search(before.rstrip(" ")) if is_symbol else None
    return f"{index[0]} " if base and fold_text(base[0]).strip() in _GREEK_NAMES else index[0]


def _has_bare_layout(text: str) -> bool:
    """True where the name of a layout command may stand before a brace: cheaper than a search for word boundaries."""
    return any(before.rstrip().endswith(_LAYOUT) for before in text.split("{"))


@lru_cache(maxsize=1 << 12)
def _reading(command: str) -> str:
    """What a command that is no accent leaves; an unknown one its name, as it is displayed."""
    if found := _NAME.fullmatch(command):
        name, blank = found.groups()
        reading = _READINGS.get(name)
        if reading is None:
            return f" {name} "
        return reading + blank if name in _ENDED_BY_BLANK else reading
    if len(command) == 2 and command[0] == "\\":
        sign = command[1]
        return "" if sign in _GLUING_SIGNS else " " if sign in " \t\n\\{}[]" else sign
    return " "  # a command with the argument that goes with it, or the gap between two arguments


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
    folded = fold_text(sign)
    return folded if any(map(str.isalnum, folded)) else " "


_READINGS = _readings()
# The blank behind `\o` only ends its name; behind `\ell` it may be meant, where dollars were forgotten.
_ENDED_BY_BLANK = frozenset(tables.LETTERS) - tables.NATIONAL
