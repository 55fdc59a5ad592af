"""Fetches a feed from an address that somebody typed: bounded, politely, and from public networks only.

Which addresses a feed may have, and whether it keeps a redirect's: `feed_moves.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlsplit

from digest import clock
from digest.errors import BadInput, SourceDown
from digest.sources import http
from digest.sources.feed_discovery import feeds_named_by, is_web_page
from digest.sources.feed_document import MAX_BYTES, read_feed
from digest.sources.feed_moves import new_address
from digest.sources.feed_papers import FeedReading, read_papers
from digest.sources.request_turns import Pacing

REQUEST_SECONDS = 60.0
TRIES = 3
PAUSE = 1.0  # seconds between two requests to one host
_UNSAFE = re.compile(r"[^a-z0-9.-]")


@dataclass(frozen=True, slots=True)
class FetchedFeed:
    """An answer. `reading` is None where nothing changed since the last one; `etag`, `last_modified`: of the answer.

    `moved_to`: the address that the feed has from now on, '' where it stays.
    """

    reading: FeedReading | None
    etag: str = ""
    last_modified: str = ""
    moved_to: str = ""


def pacing_of(address: str) -> Pacing:
    """The pacing of an address: that of its host."""
    return Pacing(f"feed-{_UNSAFE.sub('_', (urlsplit(address).hostname or '').lower())[:80]}", pause=PAUSE)


def fetch_feed(
    address: str,
    *,
    etag: str = "",
    last_modified: str = "",
    tries: int = TRIES,
    deadline: float | None = None,
) -> FetchedFeed:
    """Fetch and read a feed; with validators of the last answer only if it changed (RFC 9110, section 13.1).

    `deadline`: the monotonic time at which the answer must be there, where somebody waits. Raises SourceDown with one
    line that says what came instead.
    """
    conditions = (("If-None-Match", etag), ("If-Modified-Since", last_modified))
    request = http.SourceRequest(
        address,
        pacing_of(address),
        headers=(
            (
                "Accept",
                "application/rss+xml, application/atom+xml, application/rdf+xml, application/feed+json, */*;q=0.5",
            ),
            *((name, value) for name, value in conditions if _is_field_value(value)),
        ),
        max_bytes=MAX_BYTES,
        seconds=REQUEST_SECONDS,
        is_public=True,
        deadline=deadline,
    )
    return http.fetch_answer(request, lambda answer: _read(answer, address), is_complete=_is_whole, tries=tries)


def _is_whole(fetched: FetchedFeed) -> bool:
    return fetched.reading is None or not fetched.reading.is_cut


def _read(answer: http.SourceResponse, address: str) -> FetchedFeed:
    """Read an answer. Raises SourceDown for a web page, BadInput for what may be a damaged feed."""
    if answer.is_unchanged:
        return FetchedFeed(None)
    if is_web_page(answer.body):
        named = feeds_named_by(answer.body, address)
        hint = f"; it names a feed: {', '.join(named)}" if named else " and names none"
        raise SourceDown(f"a web page came, not a feed{hint}"[:300], retryable=False)
    content_type = Message()
    content_type["content-type"] = answer.headers.get("content-type", "")
    document = read_feed(answer.body, url=address, charset=str(content_type.get_content_charset("")))
    reading = read_papers(document, clock.now().date())
    etag, last_modified = (answer.headers.get(name, "") for name in ("etag", "last-modified"))
    return FetchedFeed(
        reading,
        etag if _is_field_value(etag) else "",
        last_modified if _is_field_value(last_modified) else "",
        moved_to=new_address(address, answer.moved_to),
    )


def _is_field_value(value: str) -> bool:
    """True for a header's value that can be sent back: visible ASCII (RFC 9110, section 5.5)."""
    return bool(value) and value.isascii() and value.isprintable()


def feed_of_saved_file(data: bytes) -> FeedReading:
    """Read a saved feed. Raises BadInput."""
    if is_web_page(data):
        raise BadInput("a web page, not a feed")
    return read_papers(read_feed(data), clock.now().date())
