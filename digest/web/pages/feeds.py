"""Feeds, with ETag, Last-Modified and 304 for what a client already has (RFC 9110, 13)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from digest.compose import atom_json_feeds as feed_formats
from digest.compose.atom_json_feeds import Feed
from digest.errors import NotFound
from digest.i18n import localize
from digest.services.editions import edition_feeds
from digest.services.security import signed_links
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.signing import FEED

router = APIRouter(include_in_schema=False)

PUBLIC_HEADERS = {"Cache-Control": "public, max-age=900"}
PRIVATE_HEADERS = {"Cache-Control": "private, max-age=900", "X-Robots-Tag": "noindex, nofollow"}


@router.get("/feeds/{token}.atom")
@router.get("/feeds/{token}.json")
def editions(token: str, request: Request) -> Response:
    """A subscriber's editions."""
    (subscriber_id,) = signed_links.read_token(FEED, token)
    return _feed_response(edition_feeds.subscriber_feed(subscriber_id), request, PRIVATE_HEADERS)


@router.get("/trending.atom")
@router.get("/trending.json")
def trending(request: Request) -> Response:
    """Trending papers of all fields."""
    return _feed_response(edition_feeds.trending_feed(None), request, PUBLIC_HEADERS)


@router.get("/trending/{category}.atom")
@router.get("/trending/{category}.json")
def category_trending(category: str, request: Request) -> Response:
    """Trending papers of one category."""
    if len(category) > 20 or not CATEGORY.fullmatch(category):
        raise NotFound(localize("there is no such category; use one of arXiv's, such as cs.LG"))
    return _feed_response(edition_feeds.trending_feed(category), request, PUBLIC_HEADERS)


def _feed_response(feed: Feed, request: Request, extra_headers: Mapping[str, str]) -> Response:
    """The feed in the format of the address's suffix, or 304 if the client has this version."""
    is_json = request.url.path.endswith(".json")
    body, kind = (
        (feed_formats.to_json_feed(feed), feed_formats.JSON_TYPE)
        if is_json
        else (feed_formats.to_atom(feed), feed_formats.ATOM_TYPE)
    )
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Last-Modified": format_datetime(_truncated_to_second(feed.updated), usegmt=True)} | dict(
        extra_headers
    )
    if _is_unchanged(request, etag, feed.updated):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


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
