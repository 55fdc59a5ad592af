"""Feeds, with what spares both sides work: an ETag, a date, and 304 for what a client already has (RFC 9110)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from digest.compose import atom_json_feeds as forms
from digest.compose.atom_json_feeds import Feed
from digest.errors import NotFound
from digest.i18n import say
from digest.services.editions import edition_feeds
from digest.services.security import signed_links
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.signing import FEED

router = APIRouter(include_in_schema=False)

OURS = {"Cache-Control": "public, max-age=900"}
YOURS = {"Cache-Control": "private, max-age=900", "X-Robots-Tag": "noindex, nofollow"}


@router.get("/feeds/{token}.atom")
@router.get("/feeds/{token}.json")
def editions(token: str, request: Request) -> Response:
    """A reader's editions."""
    (subscriber_id,) = signed_links.read(FEED, token)
    return _answer(edition_feeds.of_reader(subscriber_id), request, YOURS)


@router.get("/trending.atom")
@router.get("/trending.json")
def trending(request: Request) -> Response:
    """What is rising in all fields."""
    return _answer(edition_feeds.of_trending(None), request, OURS)


@router.get("/trending/{category}.atom")
@router.get("/trending/{category}.json")
def trending_in(category: str, request: Request) -> Response:
    """What is rising in one category."""
    if len(category) > 20 or not CATEGORY.fullmatch(category):
        raise NotFound(say("there is no such category; use one of arXiv's, such as cs.LG"))
    return _answer(edition_feeds.of_trending(category), request, OURS)


def _answer(feed: Feed, request: Request, more: Mapping[str, str]) -> Response:
    """The feed in the form that the address ends with, or 304 where the client has it already."""
    told = request.url.path.endswith(".json")
    body, kind = (forms.as_json(feed), forms.JSON_TYPE) if told else (forms.atom(feed), forms.ATOM_TYPE)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Last-Modified": format_datetime(_second(feed.updated), usegmt=True)} | dict(more)
    if _known(request, etag, feed.updated):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _known(request: Request, etag: str, updated: datetime) -> bool:
    """Does the client have this already? A tag decides; a date counts only where no tag is sent."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or etag in [one.strip().removeprefix("W/") for one in tags.split(",")]
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return since.tzinfo is not None and since >= _second(updated)


def _second(instant: datetime) -> datetime:
    """HTTP's dates know whole seconds."""
    return instant.astimezone(UTC).replace(microsecond=0)
