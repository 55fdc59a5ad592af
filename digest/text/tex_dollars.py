"""Decides which dollars enclose mathematics, and which are money. Each dollar is compared only with the next."""

from __future__ import annotations

import re

_DOLLAR = re.compile(r"\\.|\$\$?", re.DOTALL)
_MONEY = re.compile(
    r"\d[\d.,]*\s*(?:[KMBkmb]\b|(?:thousand|million|billion|trillion)\b)?[\s,.;:)/–-]+(?!log|in|mod)\(?[A-Za-z]{2}"
)
_BEGINS = re.compile(r"\\[A-Za-z]|[\d.]*\s*[<=^_]|[A-Za-z]\s*[\\^_<=]")
_FORMULA = re.compile(r"[\\^_=<>{]")
_PROSE = re.compile(r"(?<![\\A-Za-z])[a-z]{4,}(?=[\s,.;])")


def formula_spans(text: str) -> tuple[frozenset[int], frozenset[int]]:
    r"""Positions of the dollars that switch mathematics on or off, and of stray ones.

    Of `$$` around a display the second dollar is stray; within `$z$$\le$1` it ends one formula and begins the next.
    """
    marks = [(match.start(), match[0]) for match in _DOLLAR.finditer(text) if match[0][0] == "$"]
    marks.reverse()
    switches: set[int] = set()
    litter: set[int] = set()
    while marks:
        start, sign = marks.pop()
        inner = start + len(sign)
        if marks and _encloses(text, inner, marks[-1][0], marks[-1][1] if sign == "$$" else "$"):
            end, closing = marks.pop()
            switches |= {start, end}
            if sign == "$$":
                litter |= {start + 1, end + 1} if closing == "$$" else {start + 1}
            elif closing == "$$":
                marks.append((end + 1, "$"))
        elif sign == "$$" or ("\\" in text and _is_litter(text, start)):
            litter |= {start, inner - 1}
    return frozenset(switches), frozenset(litter)


def _is_litter(text: str, at: int) -> bool:
    """True for a single dollar of a formula whose other one is missing; `90$` and `$5` may be money."""
    before, after = text[max(0, at - 12) : at], text[at + 1 : at + 13]
    if _BEGINS.match(after):
        return True
    if not before or before[-1].isspace() or after[:1].isalnum():
        return False
    return not before[-1].isdigit() or _FORMULA.search(before) is not None


def _encloses(text: str, begin: int, end: int, closing: str) -> bool:
    """True where the text between two dollars is a formula, not words between two prices."""
    inner = text[begin:end]
    if closing == "$$" and text[begin - 2 : begin] == "$$":
        return True
    if not inner.strip():
        return False
    after = text[end + 1 : end + 2]
    spaced = inner[0] == " " or inner[-1] == " "
    if (
        inner[0].isdigit()
        and (_MONEY.match(inner[:40]) or after.isdigit() or inner[-1] == " ")
        and not _FORMULA.search(inner[:16])
    ):
        return False
    return not (spaced and len(_PROSE.findall(inner)) >= 2)
