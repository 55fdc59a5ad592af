"""Token buckets in process memory, with the rules of the Redis ones, for use without Redis or while it is down."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

MAX_BUCKETS = 10_000  # when there are more, all are dropped at once


class Buckets(Protocol):
    """Token buckets by name (a domain or a server). Times are seconds. The Redis implementation raises Transient."""

    def take(self, name: str, rate: float, burst: float, requested: int) -> tuple[int, float]:
        """Take up to `requested` tokens. Returns how many were taken, and the seconds until the next is available."""

    def available_tokens(self, name: str, rate: float, burst: float) -> tuple[int, float]:
        """How many tokens are available, and the seconds until the next; takes none."""

    def charge(self, name: str, rate: float, count: int) -> None:
        """Take `count` tokens even where fewer are available; the bucket is overdrawn then."""

    def reserve(self, name: str, rate: float, count: int, longest: float) -> float:
        """Reserve the next `count` free slots. Returns the seconds until the first, at most `longest`."""

    def set_rate_share(self, name: str, share: float) -> None:
        """Record that a domain has `share` of its rate from now on."""

    def rate_shares(self) -> Mapping[str, tuple[float, float]]:
        """For each slowed domain its share, and the seconds since it was set."""


class LocalBuckets:
    """Buckets of this process alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: dict[str, float] = {}  # when each bucket is full again
        self._reserved_until: dict[str, float] = {}  # until when slots are reserved
        self._shares: dict[str, tuple[float, float]] = {}

    def take(self, name: str, rate: float, burst: float, requested: int) -> tuple[int, float]:
        """See `Buckets`."""
        available, wait = self.available_tokens(name, rate, burst)
        granted = min(requested, available)
        if granted:
            self.charge(name, rate, granted)
        return granted, (
            0.0 if granted == requested else self.available_tokens(name, rate, burst)[1] if granted else wait
        )

    def available_tokens(self, name: str, rate: float, burst: float) -> tuple[int, float]:
        """See `Buckets`."""
        now = self._clock()
        full_at = max(self._full_at.get(name, 0.0), now)
        available = max(int((now - full_at) * rate + burst + 1e-6), 0)
        return available, 0.0 if available else full_at - now - (burst - 1) / rate

    def charge(self, name: str, rate: float, count: int) -> None:
        """See `Buckets`."""
        if len(self._full_at) > MAX_BUCKETS:
            self._full_at.clear()
        self._full_at[name] = max(self._full_at.get(name, 0.0), self._clock()) + count / rate

    def reserve(self, name: str, rate: float, count: int, longest: float) -> float:
        """See `Buckets`."""
        if len(self._reserved_until) > MAX_BUCKETS:
            self._reserved_until.clear()
        now = self._clock()
        start = min(max(self._reserved_until.get(name, 0.0), now), now + longest)
        self._reserved_until[name] = start + count / rate
        return start - now

    def set_rate_share(self, name: str, share: float) -> None:
        """See `Buckets`."""
        if len(self._shares) > MAX_BUCKETS:
            self._shares.clear()
        self._shares[name] = share, self._clock()

    def rate_shares(self) -> Mapping[str, tuple[float, float]]:
        """See `Buckets`."""
        now = self._clock()
        return {name: (share, now - set_at) for name, (share, set_at) in self._shares.items()}
