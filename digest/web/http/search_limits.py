"""Limits on searches and suggestions: as many searches a minute as previews, and few at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated

from fastapi import Depends, Request

from digest.errors import N_
from digest.web.http.client_ip import Client
from digest.web.http.preview_limits import PreviewSlots
from digest.web.http.request_rates import RequestLimiter, count_request

SUGGESTIONS_PER_MINUTE = 120  # one for each pause in typing
SEARCH_MESSAGE = N_("at most 30 searches a minute are possible; wait %(seconds)s seconds")
SEARCHES_BUSY_MESSAGE = N_("many searches are running right now; try again in a few seconds")
SUGGESTION_MESSAGE = N_("too many suggestions were requested; wait %(seconds)s seconds")


def search_limiter() -> RequestLimiter:
    """The limiter of an application's searches."""
    return RequestLimiter(message=SEARCH_MESSAGE)


def search_slots() -> PreviewSlots:
    """The slots of an application's searches: previews, which take longer, have their own."""
    return PreviewSlots(message=SEARCHES_BUSY_MESSAGE)


def suggestion_limiter() -> RequestLimiter:
    """The limiter of an application's suggestions."""
    return RequestLimiter(SUGGESTIONS_PER_MINUTE, message=SUGGESTION_MESSAGE)


def _search_slot(request: Request, client: Client) -> Callable[[], AbstractContextManager[None]]:
    limiter: RequestLimiter = request.app.state.search_limiter
    slots: PreviewSlots = request.app.state.search_slots

    @contextmanager
    def slot() -> Iterator[None]:
        count_request(request, "search", limiter, client)
        with slots.slot():
            yield

    return slot


def _count_suggestion(request: Request, client: Client) -> None:
    limiter: RequestLimiter = request.app.state.suggestion_limiter
    limiter.take(client)


SearchSlot = Annotated[Callable[[], AbstractContextManager[None]], Depends(_search_slot)]
"""Counts a search of the client and holds a slot for it. Raises TooMany."""
COUNT_SUGGESTION = Depends(_count_suggestion)
"""Counts a suggestion of the client. Raises TooMany."""
