"""Listings of the API page by page. A cursor names the last row shown, so rows added meanwhile move nothing."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from digest import settings
from digest.errors import BadCursor

MAX_CURSOR = 100  # characters
MAX_ROWS, DEFAULT_ROWS = 500, 50
_CURSOR = re.compile(r"([a-z-]{1,40}):([1-9][0-9]{0,18})")
_MAX_ID = 2**63 - 1

Row = TypeVar("Row")


class Listing(BaseModel):
    """A page of a listing. `next`: the address of the next page, null on the last; it is in the `Link` header too."""

    next: str | None = Field(default=None, examples=["/api/v1/runs?limit=50&cursor=cnVuczo3"])


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for one page, the newest rows first. `before_id`: rows with smaller ids only; None for the first page.

    The route reads `rows_needed` rows, one more than the page has, so `finish` knows whether there is a next page.
    """

    request: Request
    response: Response
    listing: str
    limit: int
    before_id: int | None

    @property
    def rows_needed(self) -> int:
        """How many rows to read."""
        return self.limit + 1

    def finish(self, rows: Sequence[Row], row_id: Callable[[Row], int | None]) -> tuple[Sequence[Row], str | None]:
        """The rows of this page and the address of the next one, which goes into the `Link` header too."""
        page_rows = rows[: self.limit]
        if len(rows) <= self.limit:
            return page_rows, None
        address = next_address(self.request, encode_cursor(self.listing, row_id(page_rows[-1]) or 0))
        self.response.headers["Link"] = next_link(address)
        return page_rows, address


def next_address(request: Request, cursor: str) -> str:
    """The address of the next page: the same query with that cursor."""
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*query, ('cursor', cursor)])}"


def next_link(address: str) -> str:
    """The `Link` header that names the next page (RFC 8288)."""
    return f'<{settings.get().base_url}{address}>; rel="next"'


def encode_cursor(listing: str, row_id: int) -> str:
    """The cursor behind a row of a listing."""
    return base64.urlsafe_b64encode(f"{listing}:{row_id}".encode()).decode().rstrip("=")


def decode_cursor(listing: str, cursor: str) -> int:
    """The row that a cursor names. Raises BadCursor for one that is not of this listing."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise BadCursor from error
    match = _CURSOR.fullmatch(text)
    if match is None or match[1] != listing or int(match[2]) > _MAX_ID:
        raise BadCursor
    return int(match[2])


def page_of(listing: str, *, max_rows: int = MAX_ROWS) -> Callable[..., Coroutine[Any, Any, PageRequest]]:
    """A dependency that reads `limit` and `cursor` of a listing. Raises BadCursor."""

    async def dependency(
        request: Request,
        response: Response,
        limit: int = Query(default=DEFAULT_ROWS, ge=1, le=max_rows, description="rows on a page"),
        cursor: Annotated[
            str, Query(max_length=MAX_CURSOR, description="of the page's `next` address; absent on the first page")
        ] = "",
    ) -> PageRequest:
        before_id = decode_cursor(listing, cursor) if cursor else None
        return PageRequest(request, response, listing, limit, before_id)

    return dependency
