"""How often one client may ask for what costs this process time: previews, the API, feedback, reports of a provider.

Counted in this process alone, because it guards the process's own time, and a write to the database for each keystroke
of a preview would cost more than the preview. What leads to mail is counted in `services.security.rate_limits`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from digest.errors import N_, TooMany
from digest.i18n import say
from digest.web.http.client_ip import Client

MOST, WITHIN = 30, 60.0  # previews: a person who types fast stays below
API_MOST, WEBHOOK_MOST, FEEDBACK_MOST = 120, 300, 60  # requests a minute of one client or token
CLIENTS = 10_000  # remembered at once; the one seen longest ago is forgotten first
PREVIEW_MESSAGE = N_("that was fast: wait a minute, then the preview goes on")
REQUEST_MESSAGE = N_("too many requests came from here within a minute; wait and send it again")


class Pace:
    """At most `most` times within `within` seconds for each client."""

    def __init__(
        self,
        most: int = MOST,
        within: float = WITHIN,
        *,
        message: str = PREVIEW_MESSAGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most, self.within, self.message = most, within, message
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, client: str) -> None:
        """Count one more. Raises TooMany where the limit is met, and then nothing is counted."""
        now = self._clock()
        with self._lock:
            times = self._seen.setdefault(client, deque())
            self._seen.move_to_end(client)
            while times and times[0] <= now - self.within:
                times.popleft()
            if len(times) >= self.most:
                raise TooMany(
                    say(self.message), seconds=max(round(self.within - now + (times[0] if times else now)), 1)
                )
            times.append(now)
            while len(self._seen) > CLIENTS:
                self._seen.popitem(last=False)


def _count(request: Request, client: Client) -> Callable[[], None]:
    pace: Pace = request.app.state.pace
    return lambda: pace.take(client)


def count_feedback(request: Request, client: Client) -> None:
    """A dependency that counts what one client says of papers: each makes a version of a profile. Raises TooMany."""
    pace: Pace = request.app.state.feedback_pace
    pace.take(client)


def count_webhook(request: Request, client: Client) -> None:
    """A dependency that counts a report of a mail provider, before its signature is looked at. Raises TooMany."""
    pace: Pace = request.app.state.webhook_pace
    pace.take(client)


Counted = Annotated[Callable[[], None], Depends(_count)]
