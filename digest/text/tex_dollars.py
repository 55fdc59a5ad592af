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
    stray: set[int] = set()
    while marks:
        start, sign = marks.pop()
        content_start = start + len(sign)
        if marks and _encloses(text, content_start, marks[-1][0], marks[-1][1] if sign == "$$" else "$"):
            end, closing = marks.pop()
            switches |= {start, end}
            if sign == "$$":
                stray |= {start + 1, end + 1} if closing == "$$" else {start + 1}
            elif closing == "$$":
                marks.append((end + 1, "$"))
        elif sign == "$$" or ("\\" in text and _is_stray(text, start)):
            stray |= {start, content_start - 1}
    return frozenset(switches), frozenset(stray)


def _is_stray(text: str, position: int) -> bool:
    """True for a single dollar of a formula whose other one is missing; `90$` and `$5` may be money."""
    before, after = text[max(0, position - 12) : position], text[position + 1 : position + 13]
    if _BEGINS.match(after):
        return True
    if not before or before[-1].isspace() or after[:1].isalnum():
        return False
    return not before[-1].isdigit() or _FORMULA.search(before) is not None


def _encloses(text: str, start: int, end: int, closing: str) -> bool:
    """True where the text between two dollars is a formula, not words between two prices."""
    inner = text[start:end]
    if closing == "$$" and text[start - 2 : start] == "$$":
        return True
    if not inner.strip():
        return False
    after = text[end + 1 : end + 2]
    has_outer_blank = inner[0] == " " or inner[-1] == " "
    if (
        inner[0].isdigit()
        and (_MONEY.match(inner[:40]) or after.isdigit() or inner[-1] == " ")
        and not _FORMULA.search(inner[:16])
    ):
        return False
    return not (has_outer_blank and len(_PROSE.findall(inner)) >= 2)
