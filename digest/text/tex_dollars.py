"""Which dollars enclose mathematics, and which are money. Each dollar looks at the next one only."""

from __future__ import annotations

import re

_DOLLAR = re.compile(r"\\.|\$\$?", re.DOTALL)
_MONEY = re.compile(
    r"\d[\d.,]*\s*(?:[KMBkmb]\b|(?:thousand|million|billion|trillion)\b)?[\s,.;:)/–-]+(?!log|in|mod)\(?[A-Za-z]{2}"
)
_FORMULA = re.compile(r"[\\^_=<>{]")
_PROSE = re.compile(r"(?<![\\A-Za-z])[a-z]{4,}(?=[\s,.;])")


def mathematics(text: str) -> tuple[frozenset[int], frozenset[int]]:
    """Positions of the dollars that switch mathematics on or off, and of stray ones that are litter."""
    marks = [(match.start(), match[0]) for match in _DOLLAR.finditer(text) if match[0][0] == "$"]
    found: set[int] = set()
    stray: set[int] = set()
    index = 0
    while index < len(marks):
        start, sign = marks[index]
        if index + 1 < len(marks) and _encloses(text, start + len(sign), *marks[index + 1]):
            found |= {start, marks[index + 1][0]}
            index += 2
            continue
        if "\\" in text and _ends_a_formula(text[start - 1 : start], text[start + len(sign) : start + len(sign) + 1]):
            stray.add(start)
        index += 1
    return frozenset(found), frozenset(stray)


def _ends_a_formula(before: str, after: str) -> bool:
    """True for a lone dollar that hangs behind a formula whose first one was forgotten; `90$` may be money."""
    return bool(before) and not before.isspace() and not before.isalnum() and not after.isalnum()


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
        and (_MONEY.match(inner) or after.isdigit() or inner[-1] == " ")
        and not _FORMULA.search(inner[:16])
    ):
        return False
    return not (spaced and len(_PROSE.findall(inner)) >= 2)
