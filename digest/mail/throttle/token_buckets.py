"""Rates kept in this process: the same rules as in Redis, for when there is none, or none that answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

KEPT = 10_000  # domains; all of them are forgotten at once when there are more


class Buckets(Protocol):
    """Who may go when. Names are domains and servers; times are seconds. A Redis store raises Transient."""

    def take(self, name: str, rate: float, burst: float, wanted: int) -> tuple[int, float]:
        """Up to `wanted` goes at `rate` a second, `burst` at once: how many, and how long until the next."""

    def room(self, name: str, rate: float, burst: float) -> tuple[int, float]:
        """How many goes there are now, and how long until the next; takes none."""

    def spend(self, name: str, rate: float, count: int) -> None:
        """Take goes that were used, there or not: what is overdrawn is waited for."""

    def book(self, name: str, rate: float, count: int, longest: float) -> float:
        """How long until `count` goes begin that nobody else has booked; no longer than `longest`."""

    def slow(self, name: str, share: float) -> None:
        """Note that this domain has that share of its rate from now on."""

    def slowed(self) -> Mapping[str, tuple[float, float]]:
        """For each domain that was slowed: to what share, and how long ago."""


class LocalBuckets:
    """Rates of this process alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full: dict[str, float] = {}  # when each bucket is full again
        self._booked: dict[str, float] = {}  # up to when goes are given away
        self._slow: dict[str, tuple[float, float]] = {}

    def take(self, name: str, rate: float, burst: float, wanted: int) -> tuple[int, float]:
        """See `Buckets`."""
        free, wait = self.room(name, rate, burst)
        granted = min(wanted, free)
        if granted:
            self.spend(name, rate, granted)
        return granted, (0.0 if granted == wanted else self.room(name, rate, burst)[1] if granted else wait)

    def room(self, name: str, rate: float, burst: float) -> tuple[int, float]:
        """See `Buckets`."""
        now = self._clock()
        full = max(self._full.get(name, 0.0), now)
        free = max(int((now - full) * rate + burst + 1e-6), 0)
        return free, 0.0 if free else full - now - (burst - 1) / rate

    def spend(self, name: str, rate: float, count: int) -> None:
        """See `Buckets`."""
        if len(self._full) > KEPT:
            self._full.clear()
        self._full[name] = max(self._full.get(name, 0.0), self._clock()) + count / rate

    def book(self, name: str, rate: float, count: int, longest: float) -> float:
        """See `Buckets`."""
        if len(self._booked) > KEPT:
            self._booked.clear()
        now = self._clock()
        start = min(max(self._booked.get(name, 0.0), now), now + longest)
        self._booked[name] = start + count / rate
        return start - now

    def slow(self, name: str, share: float) -> None:
        """See `Buckets`."""
        if len(self._slow) > KEPT:
            self._slow.clear()
        self._slow[name] = share, self._clock()

    def slowed(self) -> Mapping[str, tuple[float, float]]:
        """See `Buckets`."""
        now = self._clock()
        return {name: (share, now - at) for name, (share, at) in self._slow.items()}
