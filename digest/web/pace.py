"""How often one client may ask for a preview. Counted in this process alone: it guards its own time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from digest.compose.language import say
from digest.errors import TooMany
from digest.web.client import Client

MOST, WITHIN = 30, 60.0  # a person who types fast stays below
CLIENTS = 10_000  # remembered at once; the one seen longest ago is forgotten first


class Pace:
    """At most `most` times within `within` seconds for each client."""

    def __init__(
        self, most: int = MOST, within: float = WITHIN, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.most, self.within = most, within
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
                raise TooMany(say("that was fast: wait a minute, then the preview goes on"), seconds=round(self.within))
            times.append(now)
            while len(self._seen) > CLIENTS:
                self._seen.popitem(last=False)


def _count(request: Request, client: Client) -> Callable[[], None]:
    pace: Pace = request.app.state.pace
    return lambda: pace.take(client)


Counted = Annotated[Callable[[], None], Depends(_count)]
