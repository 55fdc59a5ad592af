"""Reduces TeX to words for matching: letters and digits of formulas, without parsing them.

It uses the tables of the display (`tex_tables`), so commands mean the same in texts that are shown and matched. A few
passes of regular expressions are ten times faster than the parser in `tex_reader`; a test compares the two.
"""

from __future__ import annotations

import re
from functools import lru_cache

from digest.text import tex_tables as tables
from digest.text.folding import fold_text

# Commands whose first argument is not text: keys of references, names of environments, lengths, addresses.
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
# A subscript is joined to its letter (x_1, Λ_b), digits to the letters before them (CO_2), a letter to an element.
_INDEX = re.compile(r"_(?:(?<![^\W_]{2}_)|(?<=[^\W\d_]_)(?=\{?\d)|(?<![^\W\d_]{3}_)(?=\{[^\W_]\}))")
_GLUING_SIGNS = frozenset("!-/@*+()")


def without_tex(text: str) -> str:
    """The text without TeX: commands for letters become letters or their names, accents keep their letter.

    Layout, braces and dollars are removed; subscripts and exponents are joined to their base.
    """
    if "\\" in text:
        parts = _COMMAND.split(text)
        parts[1::2] = [_word_of_command(command) if command else "" for command in parts[1::2]]
        text = "".join(parts)
    if "{" in text and _has_bare_layout(text):
        text = _BARE_LAYOUT.sub("", text)
    if "_" in text:
        text = _INDEX.sub("", text).replace("_", " ")
    for mark in "\\{}$^":  # five times faster than a regular expression
        text = text.replace(mark, "")
    return text.replace("~", " ")


def _has_bare_layout(text: str) -> bool:
    """True where a layout command may precede a brace: cheaper than searching for word boundaries."""
    return any(before.rstrip().endswith(_LAYOUT) for before in text.split("{"))


@lru_cache(maxsize=1 << 12)
def _word_of_command(command: str) -> str:
    """The text of a command that is not an accent; for an unknown one its name, as in the display."""
    if match := _NAME.fullmatch(command):
        name, blank = match.groups()
        reading = _WORDS_OF_COMMANDS.get(name)
        if reading is None:
            return f" {name} "
        return reading + blank if name in _ENDED_BY_BLANK else reading
    if len(command) == 2 and command[0] == "\\":
        sign = command[1]
        return "" if sign in _GLUING_SIGNS else " " if sign in " \t\n\\{}[]" else sign
    return " "  # a command that is removed with its argument, or the gap between two arguments


def _words_of_commands() -> dict[str, str]:
    """The text of each command in the tables: a word, letters, a space or nothing."""
    gaps = tables.BREAKS | tables.FRACTIONS | tables.SPACES | _SKIPPED | set(tables.RELATIONS) | set(tables.FENCES)
    faces = tables.SILENT | tables.PLAIN_FONTS | frozenset(tables.ALPHABETS) | frozenset(tables.MARKS)
    readings = dict.fromkeys(faces | {"overset", "underset", "stackrel"}, "")
    readings |= dict.fromkeys(gaps | {"binom", "dbinom", "tbinom", "sqrt", "footnote", "item", "tag", "pmod"}, " ")
    readings |= {name: f" {name} " for name in tables.FUNCTIONS}
    return readings | {name: _fold_sign(sign) for name, sign in tables.LETTERS.items()}


def _fold_sign(sign: str) -> str:
    """A folded symbol, so that ASCII text stays ASCII; a space for a symbol that is not a word."""
    folded = fold_text(sign)
    return folded if any(map(str.isalnum, folded)) else " "


_WORDS_OF_COMMANDS = _words_of_commands()
# The blank after `\o` only ends its name; after `\ell` it may be intended, where dollars are missing.
_ENDED_BY_BLANK = frozenset(tables.LETTERS) - tables.NATIONAL
