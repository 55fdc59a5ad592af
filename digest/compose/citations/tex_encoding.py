"""Encodes readable text for BibTeX: TeX's special characters always, other characters as TeX commands by choice.

A brace is never written as an escaped brace, because BibTeX counts those too, and text may have an odd number of them.
"""

# ruff: noqa: SIM905 (a table of words reads better than a list of strings)

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from digest.text.tex import readable
from digest.text.tex_tables import ALPHABETS, GREEK, LETTERS, MARKS, RELATIONS, SUBSCRIPT, SUPERSCRIPT

Encoder = Callable[[str], str]

_SPECIALS = {
    "\\": "{\\textbackslash}", "{": "{\\textbraceleft}", "}": "{\\textbraceright}", "~": "{\\textasciitilde}",
    "^": "{\\textasciicircum}", "%": "\\%", "&": "\\&", "#": "\\#", "_": "\\_", "$": "\\$",
}  # fmt: skip
_TEXT = {
    "–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "…": "{\\ldots}", "\u00a0": "~", "\u2009": "\\,",
    "°": "{\\textdegree}", "§": "{\\S}", "¶": "{\\P}", "©": "{\\textcopyright}", "®": "{\\textregistered}",
    "™": "{\\texttrademark}", "•": "{\\textbullet}", "£": "{\\pounds}", "€": "{\\texteuro}", "†": "{\\dag}",
    "‡": "{\\ddag}", "¡": "{\\textexclamdown}", "¿": "{\\textquestiondown}", "‐": "-", "‑": "-", "<": "{\\textless}",
    ">": "{\\textgreater}", "|": "{\\textbar}", "`": "{\\textasciigrave}", "«": "{\\guillemotleft}",
    "»": "{\\guillemotright}",
}  # fmt: skip
_TEXT |= {LETTERS[name]: f"{{\\{name}}}" for name in "ss o O l L ae AE oe OE aa AA i j dh DH th TH dj DJ ng NG".split()}
_ACCENTS = {MARKS[name]: name for name in "` ' ^ ~ \" = . u v H r c k d b textcommabelow".split()}
_MATH_ACCENTS = {MARKS[name]: name for name in "hat tilde bar dot ddot check breve vec grave acute".split()}
_MATH_NAMES = (
    "ell hbar wp Re Im aleph beth partial nabla infty emptyset forall exists nexists neg top bot angle triangle prime "
    "sharp flat natural sum prod coprod int iint oint bigcup bigcap bigoplus bigotimes bigvee bigwedge cdots vdots "
    "ddots langle rangle lfloor rfloor lceil rceil Vert surd"
).split()


def _math_signs() -> Iterator[tuple[str, str]]:
    """Signs of mathematics with their commands, the preferred command first."""
    for names in (RELATIONS, {name: LETTERS[name] for name in _MATH_NAMES}, GREEK):
        yield from ((sign, f"\\{name} ") for name, sign in names.items() if name != "omicron")
    for alphabet in ("mathbb", "mathcal", "mathfrak"):
        yield from ((sign, f"\\{alphabet}{{{letter}}}") for letter, sign in ALPHABETS[alphabet].items())
    for command, scripts in (("^", SUPERSCRIPT), ("_", SUBSCRIPT)):
        yield from ((sign, f"{command}{{{plain}}}") for plain, sign in scripts.items() if plain.isascii())


_MATH: dict[str, str] = {}
for _sign, _command in _math_signs():
    if not _sign.isascii():
        _MATH.setdefault(_sign, _command)

_CLUSTER = re.compile("[^\u0300-\u036f\u20d0-\u20ff][\u0300-\u036f\u20d0-\u20ff]*|[\u0300-\u036f\u20d0-\u20ff]+")
_FORMULA = re.compile(r"(?<!\\)(\$\$?)((?:[^$\\]|\\.)+)\1", re.DOTALL)
# Comments, characters by their codes, and commands that read, write, define or run. A digit ends a command's name, too.
_UNSAFE_IN_FORMULA = re.compile(
    r"(?<!\\)%|\^\^|\\(?:input|include\w*|read|write|open(?:in|out)|close(?:in|out)|immediate|newwrite|special"
    r"|[egx]?def|(?:future)?let|newcommand|renewcommand|providecommand|DeclareRobustCommand|catcode|csname|makeatletter"
    r"|expandafter|scantokens|(?:direct|late)lua|luaexec|ShellEscape|pdf\w+|every\w+|output|shipout|loop|usepackage"
    r"|RequirePackage|documentclass|endinput|end|begin)(?![A-Za-z@])"
)


def escape_specials(text: str) -> str:
    """The text with TeX's special characters escaped; other characters stay Unicode."""
    return "".join([_SPECIALS.get(character, character) for character in text])


def to_tex(text: str) -> str:
    """The text with TeX commands for all characters that have one; the rest stay Unicode."""
    encoded = [_encode_cluster(cluster) for cluster in _CLUSTER.findall(unicodedata.normalize("NFC", text))]
    return "".join(
        f"${''.join(piece for _, piece in pieces).rstrip()}$" if is_math else "".join(piece for _, piece in pieces)
        for is_math, pieces in groupby(encoded, key=lambda item: item[0])
    )


def split_formulas(source: str) -> list[tuple[str, bool]]:
    """A text of a source in pieces, each with True for a formula in its own TeX, else readable.

    Without formulas, or if one of them would break an entry, it is one readable piece.
    """
    pieces: list[tuple[str, bool]] = []
    position = 0
    for formula in _FORMULA.finditer(source):
        pieces += [(_readable_part(source[position : formula.start()]), False), (f"${formula[2].strip()}$", True)]
        position = formula.end()
    rest = source[position:]
    prose = [*(text for text, is_formula in pieces if not is_formula), rest]
    if not pieces or any("$" in text for text in prose) or not all(map(_is_safe, _formulas(pieces))):
        return [(readable(source), False)]
    return [piece for piece in (*pieces, (_readable_part(rest), False)) if piece[0]]


def source_to_tex(source: str) -> str:
    """A text of a source in TeX: its formulas as they are, the prose encoded."""
    return "".join(text if is_formula else to_tex(text) for text, is_formula in split_formulas(source))


def _encode_cluster(cluster: str) -> tuple[bool, str]:
    """A character with its marks in TeX, and whether that is mathematics."""
    character, marks = cluster[0], cluster[1:]
    if not marks:
        if character in _SPECIALS or character in _TEXT:
            return False, _SPECIALS.get(character) or _TEXT[character]
        if character in _MATH:
            return True, _MATH[character]
        return False, _accented(character)
    if len(marks) == 1 and marks in _MATH_ACCENTS and (character.isalpha() or character in _MATH):
        return True, f"\\{_MATH_ACCENTS[marks]}{{{_MATH.get(character, character).strip()}}}"
    return False, escape_specials(cluster)


def _accented(character: str) -> str:
    """A letter with accents as TeX; the character itself if TeX has no command for it."""
    if character.isascii():
        return character
    base, _, mark = unicodedata.decomposition(character).partition(" ")
    if not mark or base.startswith("<") or " " in mark or chr(int(mark, 16)) not in _ACCENTS:
        return character
    letter = _accented(chr(int(base, 16)))
    if not letter.isascii():
        return character
    letter = {"i": "\\i", "j": "\\j"}.get(letter, letter) if mark not in {"0327", "0328", "0323", "0331"} else letter
    return f"{{\\{_ACCENTS[chr(int(mark, 16))]}{{{letter}}}}}"


def _readable_part(text: str) -> str:
    """Readable text that keeps a blank before or after a formula."""
    content = readable(text)
    if not content:
        return " " if text.strip() != text else ""
    return f"{' ' if text[0].isspace() else ''}{content}{' ' if text[-1].isspace() else ''}"


def _formulas(pieces: Iterable[tuple[str, bool]]) -> list[str]:
    return [text for text, is_formula in pieces if is_formula]


def _is_safe(formula: str) -> bool:
    """True if its braces are balanced as BibTeX counts them, and it has neither comments nor definitions."""
    depth = 0
    for character in formula:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0 and not _UNSAFE_IN_FORMULA.search(formula)
