"""Limits mails per second through each server and to each receiving domain.

All workers share buckets in Redis; while it is down, each process uses its own with a part of the rate. A domain that
asks for a lower rate (421, 4.7.x) has its rate halved; the rate recovers slowly.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from digest import logs, redis
from digest.errors import Transient
from digest.mail.throttle import domain_rates
from digest.mail.throttle.token_buckets import Buckets, LocalBuckets
from digest.settings import Settings

log = logs.get(__name__)

T = TypeVar("T")

BURST_SECONDS = 2.0  # a full bucket holds the mails of this time
REDIS_RETRY_SECONDS = 30.0  # after a failure
SHARE_CACHE_SECONDS = 1.0
MAX_RESERVATION_SECONDS = 6 * 3600.0


class Throttle:
    """Decides which mails may be sent now, and when the others may. One per process; not thread-safe."""

    def __init__(self, settings: Settings, shared: Buckets | None) -> None:
        self._rate = settings.send_rate
        self._overrides = settings.rates_by_domain
        self._shared, self._local = shared, LocalBuckets()
        self._without_redis_until = 0.0
        self._shares: dict[str, float] = {}
        self._shares_read_at = float("-inf")
        self._postponed_until = float("-inf")  # when the last postponed mail may be sent

    def available(self, server: str, requested: int) -> tuple[int, float]:
        """How many of `requested` mails the server's rate allows now, and the seconds to wait where it allows none."""
        if not self._rate:
            return requested, 0.0
        allowed, wait = self._with_buckets(
            lambda buckets, part: buckets.available_tokens(server, *_rate_and_size(self._rate * part))
        )
        return min(allowed, requested), wait

    def record_sent(self, server: str, count: int) -> None:
        """Record that `count` mails were sent through the server."""
        if self._rate and count:
            self._with_buckets(lambda buckets, part: buckets.charge(server, self._rate * part, count))

    def admit(self, domains: Sequence[str]) -> list[bool]:
        """For each mail, by its domain, whether it may be sent now."""
        allowed = dict(Counter(domains))
        for domain, requested in allowed.items():
            rate = self._current_rate(domain)
            if rate:
                allowed[domain] = self._take_tokens(domain, rate, requested)
        admitted = []
        for domain in domains:
            admitted.append(allowed[domain] > 0)
            allowed[domain] -= 1
        return admitted

    def next_slots(self, domain: str, count: int, *, queue: bool) -> tuple[float, float]:
        """For `count` mails that may not be sent now: seconds until the first may, and seconds between them.

        `queue`: behind all mails that were postponed before; else as soon as the domain has room.
        """
        rate = self._current_rate(domain) or domain_rates.ASSUMED_RATE
        wait = self._with_buckets(lambda buckets, part: buckets.available_tokens(domain, *_rate_and_size(rate * part)))[
            1
        ]
        if queue:
            start = self._with_buckets(
                lambda buckets, part: buckets.reserve(domain, rate * part, count, MAX_RESERVATION_SECONDS)
            )
            wait = max(wait, start)
        self._postponed_until = max(self._postponed_until, time.monotonic() + wait + count / rate)
        return wait, 1 / rate

    def slow(self, domain: str) -> None:
        """Halve the rate of a domain that asked for a lower one."""
        slowed = self._with_buckets(lambda buckets, _: buckets.rate_shares())
        share, age = slowed.get(domain, (1.0, domain_rates.SECONDS_BETWEEN_HALVINGS))
        if age >= domain_rates.SECONDS_BETWEEN_HALVINGS:
            halved = max(domain_rates.recovered_share(share, age) / 2, domain_rates.MIN_SHARE)
            log.warning("domain_slowed", domain=domain, share=halved)
            self._with_buckets(lambda buckets, _: buckets.set_rate_share(domain, halved))
            self._shares_read_at = float("-inf")

    @property
    def has_postponed(self) -> bool:
        """True while mails that this process postponed are still to come due."""
        return time.monotonic() < self._postponed_until

    def _take_tokens(self, domain: str, rate: float, requested: int) -> int:
        granted, _ = self._with_buckets(
            lambda buckets, part: buckets.take(domain, *_rate_and_size(rate * part), requested)
        )
        return granted

    def _current_rate(self, domain: str) -> float:
        """Mails a second to that domain now; 0 for no limit."""
        if time.monotonic() - self._shares_read_at > SHARE_CACHE_SECONDS:
            slowed = self._with_buckets(lambda buckets, _: buckets.rate_shares())
            self._shares = {name: domain_rates.recovered_share(share, age) for name, (share, age) in slowed.items()}
            self._shares_read_at = time.monotonic()
        rate = domain_rates.configured_rate(domain, self._overrides)
        return domain_rates.reduced_rate(rate, self._shares.get(domain, 1.0))

    def _with_buckets(self, operation: Callable[[Buckets, float], T]) -> T:
        """Run `operation` on the shared buckets with the whole rate; without Redis, on our own with a part of it."""
        if self._shared is None:
            return operation(self._local, 1.0)
        if time.monotonic() >= self._without_redis_until:
            try:
                return operation(self._shared, 1.0)
            except Transient as error:
                log.warning("rates_kept_locally", reason=str(error))
                self._without_redis_until = time.monotonic() + REDIS_RETRY_SECONDS
        return operation(self._local, 1 / max(os.cpu_count() or 1, 2))  # a worker has as many processes by default


def _rate_and_size(rate: float) -> tuple[float, float]:
    """The rate of a bucket and its size."""
    return rate, max(rate * BURST_SECONDS, 1.0)


def shared_throttle(settings: Settings) -> Throttle:
    """The throttle of this process for these settings."""
    return _cached_throttle(os.getpid(), settings)


@lru_cache(maxsize=4)
def _cached_throttle(_process: int, settings: Settings) -> Throttle:
    return Throttle(settings, redis.connect(settings.redis_url) if settings.redis_url else None)
