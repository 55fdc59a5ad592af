"""Public pages and parts of pages, the same for all visitors: rendered once for each change of the data."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from digest import i18n
from digest.caching import BoundedCache
from digest.services.catalog.catalog_version import current_version

MAX_PAGES, MAX_BYTES = 500, 16 << 20  # a page of 50 papers takes about 70 KB
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


class CachedPage(NamedTuple):
    """A page's bytes, and when its content changed last, if clients are informed of it."""

    content: bytes
    updated: datetime = _UNDATED


class PageCache:
    """The pages of one application. A missing paper or author raises, which is not cached."""

    def __init__(self) -> None:
        self._cache: BoundedCache[CachedPage] = BoundedCache(
            max_entries=MAX_PAGES, max_bytes=MAX_BYTES, size_of=lambda page: len(page.content)
        )

    def page(self, key: Hashable, render: Callable[[], str]) -> HTMLResponse:
        """The page of that key, or the result of `render` if it is not cached."""
        return HTMLResponse(self.get(key, lambda: CachedPage(render().encode())).content)

    def get(self, key: Hashable, make: Callable[[], CachedPage]) -> CachedPage:
        """The cached page of that key, or the result of `make` if there is none."""
        return self._cache.get(key, make, version=(current_version(), i18n.language_tag()))

    @property
    def size(self) -> tuple[int, int]:
        """The number of pages, and their size in bytes."""
        return self._cache.size


async def _pages(request: Request) -> PageCache:
    pages: PageCache = request.app.state.pages
    return pages


Pages = Annotated[PageCache, Depends(_pages)]
