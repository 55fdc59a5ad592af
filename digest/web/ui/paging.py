"""Pages of a long list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Query

from digest.errors import NotFound
from digest.i18n import localize

ROWS_PER_PAGE = 50
MAX_PAGE = 10
PageNumber = Annotated[int, Query(ge=1, le=MAX_PAGE)]


@dataclass(frozen=True, slots=True)
class Paging:
    """The links below a page of a list: '' where there is no such page."""

    number: int
    previous: str = ""
    following: str = ""


def paging(path: str, number: int, *, has_more: bool, query: Mapping[str, str] | None = None) -> Paging:
    """The links to the pages before and after; `path` is not quoted yet."""

    def link(page: int) -> str:
        values = {**(query or {}), **({"page": str(page)} if page > 1 else {})}
        return quote(path) + (f"?{urlencode(values)}" if values else "")

    previous = link(number - 1) if number > 1 else ""
    return Paging(number, previous, link(number + 1) if has_more and number < MAX_PAGE else "")


def check_page(number: int, rows: object) -> None:
    """Raises NotFound for a page after the last."""
    if number > 1 and not rows:
        raise NotFound(localize("this list has no such page"))
