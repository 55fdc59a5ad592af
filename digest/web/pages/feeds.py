"""Feeds, with ETag, Last-Modified and 304 for what a client already has (RFC 9110, 13)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from digest.compose import atom_json_feeds as feed_formats
from digest.compose.atom_json_feeds import Feed
from digest.errors import NotFound
from digest.i18n import localize
from digest.services.catalog import author_pages, paper_lookup
from digest.services.editions import edition_feeds, paper_feeds
from digest.services.search.facets import MAX_CATEGORY
from digest.services.security import signed_links
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.signing import FEED
from digest.web.ui.page_cache import CachedPage, PageCache, Pages

router = APIRouter(include_in_schema=False)

MAX_AUTHOR_NAME = 200  # characters
PUBLIC_HEADERS = {"Cache-Control": "public, max-age=900"}
PRIVATE_HEADERS = {"Cache-Control": "private, max-age=900", "X-Robots-Tag": "noindex, nofollow"}


@router.get("/feeds/{token}.atom")
@router.get("/feeds/{token}.json")
def editions(token: str, request: Request) -> Response:
    """A subscriber's editions."""
    (subscriber_id,) = signed_links.read_token(FEED, token)
    page = _render_feed(edition_feeds.subscriber_feed(subscriber_id), is_json=_is_json(request))
    return _feed_response(page, request, PRIVATE_HEADERS)


@router.get("/trending.atom")
@router.get("/trending.json")
def trending(request: Request, pages: Pages) -> Response:
    """Trending papers of all fields."""
    return _trending_response(None, request, pages)


@router.get("/trending/{category}.atom")
@router.get("/trending/{category}.json")
def category_trending(category: str, request: Request, pages: Pages) -> Response:
    """Trending papers of one category."""
    if len(category) > MAX_CATEGORY or not CATEGORY.fullmatch(category):
        raise NotFound(localize("there is no such category; use one of arXiv's, such as cs.LG"))
    return _trending_response(category, request, pages)


@router.get("/authors/{name:path}.atom")
@router.get("/authors/{name:path}.json")
def author(name: str, request: Request, pages: Pages) -> Response:
    """An author's newest papers."""
    if len(name) > MAX_AUTHOR_NAME:
        raise NotFound(localize("no paper here is by that author"))
    is_json = _is_json(request)
    page = pages.get(
        ("author feed", author_pages.page_key(name), is_json),
        lambda: _render_feed(paper_feeds.author_feed(name), is_json=is_json),
    )
    return _feed_response(page, request, PUBLIC_HEADERS)


@router.get("/papers.atom")
@router.get("/papers.json")
def listing(ids: Annotated[str, Query(max_length=8000)], request: Request) -> Response:
    """A list of papers by their identifiers; not cached, because there is no end of such lists."""
    feed = paper_feeds.listing_feed(paper_lookup.split_identifiers(ids))
    return _feed_response(_render_feed(feed, is_json=_is_json(request)), request, PUBLIC_HEADERS)


def _trending_response(category: str | None, request: Request, pages: PageCache) -> Response:
    """The feed of trending papers, which is rendered once for each change of the data."""
    is_json = _is_json(request)
    page = pages.get(
        ("trending feed", category, is_json),
        lambda: _render_feed(edition_feeds.trending_feed(category), is_json=is_json),
    )
    return _feed_response(page, request, PUBLIC_HEADERS)


def _is_json(request: Request) -> bool:
    """True if the address's suffix asks for a JSON feed; otherwise it is an Atom feed."""
    return request.url.path.endswith(".json")


def _render_feed(feed: Feed, *, is_json: bool) -> CachedPage:
    return CachedPage(feed_formats.to_json_feed(feed) if is_json else feed_formats.to_atom(feed), feed.updated)


def _feed_response(page: CachedPage, request: Request, extra_headers: Mapping[str, str]) -> Response:
    """The feed, or 304 if the client has this version."""
    etag = f'"{hashlib.sha256(page.content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Last-Modified": format_datetime(_truncated_to_second(page.updated), usegmt=True)} | dict(
        extra_headers
    )
    if _is_unchanged(request, etag, page.updated):
        return Response(status_code=304, headers=headers)
    kind = feed_formats.JSON_TYPE if _is_json(request) else feed_formats.ATOM_TYPE
    return Response(page.content, media_type=kind, headers=headers)


def _is_unchanged(request: Request, etag: str, updated: datetime) -> bool:
    """True if the client has this version. A date counts only without a tag (RFC 9110, 13.1.3)."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return since.tzinfo is not None and since >= _truncated_to_second(updated)


def _truncated_to_second(instant: datetime) -> datetime:
    """HTTP dates have a resolution of one second."""
    return instant.astimezone(UTC).replace(microsecond=0)
