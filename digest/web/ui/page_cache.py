"""Public pages and parts of pages, the same for all visitors: rendered once for each change of the data.

In a web process a background task calls `PageCache.refresh` every few seconds: it renders the pages that were viewed
last again after a change, while visitors get those before. Without it, the first visitor after a change waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from digest import i18n
from digest.caching import BoundedCache
from digest.errors import DigestError
from digest.services.catalog.page_freshness import current_version

MAX_PAGES, MAX_BYTES = 500, 16 << 20  # a page of 50 papers takes about 70 KB
MAX_REFRESHED = 60  # pages that are rendered again after a change
MAX_REFRESH_AGE = 600.0  # seconds after which the background task counts as ended
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


class CachedPage(NamedTuple):
    """A page's bytes, and when its content changed last, if clients are informed of it."""

    content: bytes
    updated: datetime = _UNDATED


@dataclass(frozen=True, slots=True)
class _Rendered:
    page: CachedPage
    make: Callable[[], CachedPage]


class PageCache:
    """The pages of one application. A missing paper or author raises, which is not cached."""

    def __init__(self) -> None:
        self._cache: BoundedCache[_Rendered] = BoundedCache(
            max_entries=MAX_PAGES, max_bytes=MAX_BYTES, size_of=lambda rendered: len(rendered.page.content)
        )
        self._refreshed_at = -MAX_REFRESH_AGE
        self._refreshing_thread: int | None = None  # it needs current parts of the pages that it renders

    def page(self, key: Hashable, render: Callable[[], str]) -> HTMLResponse:
        """The page of that key, or the result of `render` if it is not cached."""
        return HTMLResponse(self.get(key, lambda: CachedPage(render().encode())).content)

    def get(self, key: Hashable, make: Callable[[], CachedPage]) -> CachedPage:
        """The cached page of that key, or the result of `make` if there is none."""
        if self._may_be_outdated():
            rendered = self._cache.peek(key)
            if rendered is not None:
                return rendered.page
        return self._cache.get(key, lambda: _Rendered(make(), make), version=_version()).page

    def refresh(self) -> None:
        """Render the pages that were viewed last again if the data have changed. To be called every few seconds."""
        self._refreshed_at, version = time.monotonic(), _version()
        self._refreshing_thread = threading.get_ident()
        for key in reversed(self._cache.newest_keys(MAX_REFRESHED)):
            rendered = self._cache.peek(key)
            if rendered is not None:
                self._render_again(key, rendered.make, version)
        self._cache.discard_other_versions(version)

    def _may_be_outdated(self) -> bool:
        is_refreshed = time.monotonic() < self._refreshed_at + MAX_REFRESH_AGE
        return is_refreshed and threading.get_ident() != self._refreshing_thread

    def _render_again(self, key: Hashable, make: Callable[[], CachedPage], version: Hashable) -> None:
        try:
            self._cache.get(key, lambda: _Rendered(make(), make), version=version)
        except DigestError:
            return  # its paper or author is gone; the outdated page is discarded

    @property
    def size(self) -> tuple[int, int]:
        """The number of pages, and their size in bytes."""
        return self._cache.size


def _version() -> Hashable:
    return current_version(), i18n.language_tag()


async def _pages(request: Request) -> PageCache:
    pages: PageCache = request.app.state.pages
    return pages


Pages = Annotated[PageCache, Depends(_pages)]
