"""Rate limits in memory for requests that take CPU time: previews, the API, feedback, and reports of a mail provider.

They count per process, because they protect the time of this process, and a database write for each keystroke of a
preview would cost more than the preview. Requests that lead to mail are counted in `services.security.rate_limits`.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.errors import N_, TooMany
from digest.i18n import localize
from digest.web.http.client_ip import Client
from digest.web.http.problems import is_api_path

PREVIEWS_PER_MINUTE, WINDOW_SECONDS = 30, 60.0  # a person who types fast stays below
API_PER_MINUTE, WEBHOOK_PER_MINUTE, FEEDBACK_PER_MINUTE = 120, 300, 60  # requests a minute of one client or token
MAX_CLIENTS = 10_000  # tracked at once; the least recently active is dropped first
QUOTAS = "quotas"  # in the state of a request: what is left of each limit, by its name
PREVIEW_MESSAGE = N_("the preview is updated at most 30 times a minute; wait %(seconds)s seconds")
REQUEST_MESSAGE = N_("too many requests came from here within a minute; wait and send it again")


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a limit for a client. `reset_seconds`: until the oldest counted request counts no more."""

    limit: int
    remaining: int
    window_seconds: int
    reset_seconds: int


class RequestLimiter:
    """At most `max_requests` requests within `window` seconds for each client."""

    def __init__(
        self,
        max_requests: int = PREVIEWS_PER_MINUTE,
        window: float = WINDOW_SECONDS,
        *,
        message: str = PREVIEW_MESSAGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_requests, self.window, self.message = max_requests, window, message
        self._clock = clock
        self._requests: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, client: str) -> None:
        """Count a request. Raises TooMany if the limit is reached; that request is not counted."""
        now = self._clock()
        with self._lock:
            times = self._requests.setdefault(client, deque())
            self._requests.move_to_end(client)
            self._drop_old(times, now)
            if len(times) >= self.max_requests:
                seconds = max(math.ceil(self.window - now + (times[0] if times else now)), 1)
                raise TooMany(localize(self.message, seconds=seconds), seconds=seconds)
            times.append(now)
            while len(self._requests) > MAX_CLIENTS:
                self._requests.popitem(last=False)

    def quota(self, client: str) -> Quota:
        """What is left for this client now. Counts nothing."""
        now = self._clock()
        with self._lock:
            times = self._requests.get(client, deque())
            self._drop_old(times, now)
            reset_seconds = math.ceil(times[0] + self.window - now) if times else 0
            remaining = max(self.max_requests - len(times), 0)
        return Quota(self.max_requests, remaining, math.ceil(self.window), reset_seconds)

    def _drop_old(self, times: deque[float], now: float) -> None:
        while times and times[0] <= now - self.window:
            times.popleft()


def count_request(request: Request, name: str, limiter: RequestLimiter, client: str) -> None:
    """Count a request, and note for `RateLimitHeaders` what is left. Raises TooMany."""
    try:
        limiter.take(client)
    finally:
        quotas: dict[str, Quota] = request.scope.setdefault("state", {}).setdefault(QUOTAS, {})
        quotas[name] = limiter.quota(client)


class RateLimitHeaders:
    """Adds `RateLimit-Policy` and `RateLimit` to responses of the API (draft-ietf-httpapi-ratelimit-headers).

    `RateLimit: "api";r=119;t=60`: 119 requests are left, and the oldest counted one counts no more in 60 seconds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the limits that counted it."""
        if scope["type"] != "http" or not is_api_path(scope["path"]):
            await self.app(scope, receive, send)
            return
        quotas: dict[str, Quota] = scope.setdefault("state", {}).setdefault(QUOTAS, {})

        async def with_limits(message: Message) -> None:
            if message["type"] == "http.response.start" and quotas:
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Policy"] = ", ".join(
                    f'"{name}";q={quota.limit};w={quota.window_seconds}' for name, quota in quotas.items()
                )
                headers["RateLimit"] = ", ".join(
                    f'"{name}";r={quota.remaining};t={quota.reset_seconds}' for name, quota in quotas.items()
                )
            await send(message)

        await self.app(scope, receive, with_limits)


async def _preview_counter(request: Request, client: Client) -> Callable[[], None]:
    limiter: RequestLimiter = request.app.state.preview_limiter
    return lambda: count_request(request, "preview", limiter, client)


def count_feedback(request: Request, client: Client) -> None:
    """A dependency that counts feedback, because each creates a version of a profile. Raises TooMany."""
    limiter: RequestLimiter = request.app.state.feedback_limiter
    limiter.take(client)


def count_webhook(request: Request, client: Client) -> None:
    """A dependency that counts reports of a mail provider, before their signature is checked. Raises TooMany."""
    limiter: RequestLimiter = request.app.state.webhook_limiter
    count_request(request, "reports", limiter, client)


PreviewCounter = Annotated[Callable[[], None], Depends(_preview_counter)]
