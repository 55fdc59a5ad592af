"""Parses arXiv identifiers. Pure."""

from __future__ import annotations

import re
from datetime import date

# four digits after the point until 1412, then five; before 0704 an archive and seven digits
_ID = re.compile(
    r"(?P<id>(?:0[7-9]|1[0-4])(?:0[1-9]|1[0-2])\.\d{4}|(?:1[5-9]|[2-8]\d)(?:0[1-9]|1[0-2])\.\d{5}|"
    r"[a-z-]+(?:\.[A-Z]{2})?/\d{2}(?:0[1-9]|1[0-2])\d{3})(?:v(?P<version>[1-9]\d{0,3}))?"
)
_MONTH = re.compile(r"(?:^|/)(\d\d)(0[1-9]|1[0-2])")
_FIRST_YEAR = 91


def parse_arxiv_id(text: str) -> tuple[str, int | None]:
    """Identifier and version of `2401.00001v2`, `hep-th/9901001`. Raises ValueError."""
    match = _ID.fullmatch(text.strip())
    if not match:
        raise ValueError(f"id: {text[:40]!r} is not an arXiv identifier")
    return match["id"], int(match["version"]) if match["version"] else None


def month_of_identifier(identifier: str) -> date | None:
    """The first day of the month in which arXiv assigned this identifier and announced the paper."""
    match = _MONTH.search(identifier)
    if not match:
        return None
    year = int(match[1])
    return date(year + (1900 if year >= _FIRST_YEAR else 2000), int(match[2]), 1)
