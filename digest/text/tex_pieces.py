"""Rendered parts of TeX, and joining them with the blanks and brackets that keep the meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from digest.text import tex_tables as tables
from digest.text.plain_text import one_line

_ATOM_START = re.compile(r"\d+(?:\.\d+)?|[^\W_][\u0300-\u036f\u20d0-\u20ff]*|[∞∂∇!]")
_WORD = re.compile("[A-Za-z]{4}")  # whole words in superscript letters are illegible
_UPPER_BOUND = re.compile(r"\+ ?\d+(?:[.,]\d+)?")
_LOWER_BOUND = re.compile(r"[-−] ?\d+(?:[.,]\d+)?")
_ATOM_SCRIPTS = tables.SCRIPTED | frozenset("*⋆†′")


@dataclass(slots=True)
class TexPiece:
    """A rendered part. `kind`: how it is joined with its neighbours; `script`: its superscript or subscript."""

    text: str
    kind: str = "plain"  # plain, space, relation, unary, word, fraction, root, script, errors, group, infix
    script: str = ""


def accent(name: str, text: str, mark: str) -> TexPiece:
    """One letter with its accent; a quotation mark before a letter without such an accent stays a quotation mark."""
    accented = tables.with_mark(text, mark)
    if name in {'"', "'"} and len(accented) > 1 and text.isalpha():
        return TexPiece(name + text)
    return TexPiece(accented if text else "")


def character(code: str) -> str:
    """The character of a code such as `x00b0`, '' where it is not printable."""
    number = int(code[1:], 16) if re.fullmatch(r"x[0-9A-Fa-f]{2,5}", code) else 0
    return one_line(chr(number))


def line(text: str, mark: str) -> str:
    """A line above or below every letter."""
    return "".join(letter + mark if letter.isalnum() else letter for letter in text)


def to_script(text: str, table: Mapping[str, str]) -> str | None:
    """The text in superscript or subscript characters, None where one does not exist."""
    signs = [table.get(letter) for letter in text if letter != " "]
    return None if None in signs else "".join(sign for sign in signs if sign)


def scripted(lexeme: str, text: str) -> TexPiece:
    """A script in Unicode's characters, else after `^` or `_`, in brackets where it is longer than one symbol."""
    if lexeme == "_" and text in tables.UNCHANGED_SUBSCRIPTS:
        return TexPiece(text)
    signs = None if _WORD.search(text) else to_script(text, tables.SUPERSCRIPT if lexeme == "^" else tables.SUBSCRIPT)
    if signs is not None:
        return TexPiece(signs, script=text)
    needs_no_brackets = len(text) == 1 or (lexeme == "_" and text.isascii() and text.isalnum())
    return TexPiece(f"{lexeme}{text}" if needs_no_brackets else f"{lexeme}({text})", "script", text)


def error_bounds(first: TexPiece, second: TexPiece) -> TexPiece | None:
    """`(+0.3/−0.2)` for the error bounds `^{+0.3}_{-0.2}`, in either order; None for other scripts."""
    bounds = sorted((first.script, second.script))  # + stands before - and −
    if "script" not in {first.kind, second.kind} or not (
        _UPPER_BOUND.fullmatch(bounds[0]) and _LOWER_BOUND.fullmatch(bounds[1])
    ):
        return None
    return TexPiece(f"({bounds[0]}/−{bounds[1][1:]})", "errors")


def fraction(name: str, upper: str, lower: str) -> TexPiece:
    """`a/b`, with brackets where it would be ambiguous; a binomial as `C(n, k)`."""
    upper, lower = upper.strip(), lower.strip()
    if name.endswith("binom"):
        return TexPiece(f"C({upper}, {lower})")
    upper = upper if is_product(upper) else f"({upper})"
    lower = lower if is_atom(lower) else f"({lower})"
    return TexPiece(f"{upper}/{lower}", "fraction")


def apply_infix(pieces: list[TexPiece]) -> list[TexPiece]:
    r"""The pieces of a group; those around `\over` or `\choose` become one fraction."""
    for index, piece in enumerate(pieces):
        if piece.kind == "infix":
            return [fraction(tables.INFIX[piece.text], join(pieces[:index]), join(pieces[index + 1 :]))]
    return pieces


def is_atom(text: str) -> bool:
    """True for one letter or number with its scripts, or one pair of brackets around everything."""
    if not text or text.isdigit() or (text[0] in "([⟨|‖" and _closed(text)):
        return True
    head = _ATOM_START.match(text)
    return head is not None and all(letter in _ATOM_SCRIPTS for letter in text[head.end() :])


def _closed(text: str) -> bool:
    """True where the bracket that opens the text closes at its very end."""
    close = {"(": ")", "[": "]", "⟨": "⟩", "|": "|", "‖": "‖"}[text[0]]
    if text[0] in "|‖":
        return text.find(close, 1) == len(text) - 1
    level = 0
    for index, letter in enumerate(text):
        level += (letter == text[0]) - (letter == close)
        if not level:
            return index == len(text) - 1
    return False


def is_product(text: str) -> bool:
    """True where a slash after the text would divide all of it: no sum, comparison or slash outside brackets."""
    level = 0
    for index, letter in enumerate(text):
        level += (letter in "([⟨") - (letter in ")]⟩")
        if not level and (letter in "/=<>≤≥±∓,∈→≈∼≠∑∏∫∪∩∖" or (letter in "+-−" and index)):
            return False
    return True


def join(pieces: list[TexPiece]) -> str:
    """The pieces in one line, with equal blanks around relations, and brackets where neighbours would be ambiguous."""
    parts: list[str] = []
    last = " "
    for index, piece in enumerate(pieces):
        text = piece.text
        if not text:
            continue
        following = pieces[index + 1] if index + 1 < len(pieces) else TexPiece(" ", "space")
        if piece.kind not in {"plain", "space"}:
            text = _between(piece, last, following)
        parts.append(text)
        last = text[-1]
    return "".join(parts)


def _between(piece: TexPiece, last: str, following: TexPiece) -> str:
    """The piece's text between the previous character and the following piece."""
    text, after = piece.text, following.text[:1]
    if piece.kind in {"infix", "errors"}:
        space_after = " " if piece.kind == "infix" or after.isalnum() else ""
        return f" {text}{space_after}"
    if piece.kind == "relation":
        if last == " " and following.kind not in {"space", "script"} and after.isalnum():
            text += " "
        elif last.isalnum() and following.kind == "space":
            text = f" {text}"
    if piece.kind == "word":
        needs_space = after and (after in "√∑∏∫∇" or (after.isalnum() and after not in tables.SCRIPTED))
        return (
            (" " if last.isalnum() or last in ")]" else "")
            + text
            + (" " if needs_space and following.kind != "fraction" else "")
        )
    if piece.kind == "fraction":
        needs_brackets = last.isalnum() or last in "/√)" or (after and (after.isalnum() or after in "(∑∏∫√/∥‖|^"))
        return f"({text})" if needs_brackets else text
    if piece.kind == "script" and after.isalnum() and text[1] != "(" and len(text) > 2:
        return f"{text[0]}({text[1:]})"
    return text
