"""Not faster than they take it: mails a second through each server and to each receiving domain.

Buckets are shared by all workers in Redis; while it is gone each process keeps its own, with a worker's share of the
rate. A domain that says 'slower' (421, 4.7.x) has its rate halved, and gets it back slowly.
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

SECONDS_OF_BURST = 2.0  # what may go at once after a rest
SECONDS_ALONE = 30.0  # a Redis that failed is not asked for so long
SECONDS_SLOWED_KNOWN = 1.0
LONGEST_BOOKING = 6 * 3600.0


class Throttle:
    """Says who may go now and when the others may. One a process; not for two threads."""

    def __init__(self, settings: Settings, shared: Buckets | None) -> None:
        self._rate = settings.send_rate
        self._chosen = settings.rates_by_domain
        self._shared, self._own = shared, LocalBuckets()
        self._alone_until = 0.0
        self._slowed: dict[str, float] = {}
        self._slowed_at = float("-inf")
        self._held_until = float("-inf")  # when the last may go that was put off

    def room(self, server: str, wanted: int) -> tuple[int, float]:
        """How many of so many mails may go through that server now; where none may, how long to wait."""
        if not self._rate:
            return wanted, 0.0
        free, wait = self._ask(lambda buckets, part: buckets.room(server, *_bucket(self._rate * part)))
        return min(free, wanted), wait

    def spent(self, server: str, count: int) -> None:
        """So many went through that server."""
        if self._rate and count:
            self._ask(lambda buckets, part: buckets.spend(server, self._rate * part, count))

    def admit(self, domains: Sequence[str]) -> list[bool]:
        """For each mail, by its domain, whether it may go now."""
        left = dict(Counter(domains))
        for domain, wanted in left.items():
            rate = self._rate_of(domain)
            if rate:
                left[domain] = self._take(domain, rate, wanted)
        found = []
        for domain in domains:
            found.append(left[domain] > 0)
            left[domain] -= 1
        return found

    def later(self, domain: str, count: int, *, queue: bool) -> tuple[float, float]:
        """For mails that may not go: how long until the first may, and how long between them.

        `queue`: behind all that were put off before; else as soon as the domain is free.
        """
        rate = self._rate_of(domain) or domain_rates.ASSUMED
        wait = self._ask(lambda buckets, part: buckets.room(domain, *_bucket(rate * part)))[1]
        if queue:
            start = self._ask(lambda buckets, part: buckets.book(domain, rate * part, count, LONGEST_BOOKING))
            wait = max(wait, start)
        self._held_until = max(self._held_until, time.monotonic() + wait + count / rate)
        return wait, 1 / rate

    def slow(self, domain: str) -> None:
        """The domain asked for less."""
        share, age = self._ask(lambda buckets, _: buckets.slowed()).get(domain, (1.0, domain_rates.SECONDS_AT_ONCE))
        if age >= domain_rates.SECONDS_AT_ONCE:
            halved = max(domain_rates.share(share, age) / 2, domain_rates.LEAST)
            log.warning("domain_slowed", domain=domain, share=halved)
            self._ask(lambda buckets, _: buckets.slow(domain, halved))
            self._slowed_at = float("-inf")

    @property
    def holds(self) -> bool:
        """True while mails that were put off here come due one after the other."""
        return time.monotonic() < self._held_until

    def _take(self, domain: str, rate: float, wanted: int) -> int:
        return self._ask(lambda buckets, part: buckets.take(domain, *_bucket(rate * part), wanted))[0]

    def _rate_of(self, domain: str) -> float:
        """Mails a second to that domain now; 0 for not limited."""
        if time.monotonic() - self._slowed_at > SECONDS_SLOWED_KNOWN:
            found = self._ask(lambda buckets, _: buckets.slowed())
            self._slowed = {name: domain_rates.share(share, age) for name, (share, age) in found.items()}
            self._slowed_at = time.monotonic()
        return domain_rates.slowed(domain_rates.rate(domain, self._chosen), self._slowed.get(domain, 1.0))

    def _ask(self, question: Callable[[Buckets, float], T]) -> T:
        """Ask the shared buckets, with the whole rate; where they don't answer, our own with our part of it."""
        if self._shared is None:
            return question(self._own, 1.0)
        if time.monotonic() >= self._alone_until:
            try:
                return question(self._shared, 1.0)
            except Transient as error:
                log.warning("rates_kept_alone", reason=str(error))
                self._alone_until = time.monotonic() + SECONDS_ALONE
        return question(self._own, 1 / max(os.cpu_count() or 1, 2))  # as many children as a worker has by default


def _bucket(rate: float) -> tuple[float, float]:
    """A bucket's rate, and what fits into it."""
    return rate, max(rate * SECONDS_OF_BURST, 1.0)


def shared(settings: Settings) -> Throttle:
    """The process's throttle for these settings."""
    return _shared(os.getpid(), settings)


@lru_cache(maxsize=4)
def _shared(_process: int, settings: Settings) -> Throttle:
    return Throttle(settings, redis.connect(settings.redis_url) if settings.redis_url else None)
