"""Delays before a mail is tried again, by the number of attempts; jitter spreads mails that failed together. Pure."""

from __future__ import annotations

import random
from datetime import timedelta

RETRY_PERIOD = timedelta(days=1)  # then a 4yz is given up
FIRST_DELAY, MAX_DELAY = timedelta(minutes=1), timedelta(hours=2)
JITTER = 0.2  # a delay is randomly up to this share shorter or longer
UNCERTAIN_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 300, 1800))
SERVER_TROUBLE_DELAY = timedelta(minutes=1)  # after a failure of our own server
SERVER_PAUSE = timedelta(minutes=10)  # of a server that refuses mail for many domains
MAX_AGE = timedelta(days=14)  # of a mail that is refused because of us; then it is given up


def retry_delay(attempts: int) -> timedelta | None:
    """The delay after attempt `attempts` (from 1): a minute, doubled up to `MAX_DELAY`; None after `RETRY_PERIOD`."""
    if attempts < 1:
        return FIRST_DELAY
    total = sum((_delay_after(attempt) for attempt in range(1, attempts)), timedelta())
    return _delay_after(attempts) if total < RETRY_PERIOD else None


def _delay_after(attempts: int) -> timedelta:
    return min(FIRST_DELAY * (1 << min(attempts - 1, 10)), MAX_DELAY)


def uncertain_delay(doubts: int) -> timedelta | None:
    """The delay after `doubts` attempts without a reply; None after five, when a person decides."""
    return UNCERTAIN_DELAYS[doubts - 1] if doubts <= len(UNCERTAIN_DELAYS) else None


def with_jitter(delay: timedelta, rng: random.Random) -> timedelta:
    """The delay with random jitter."""
    return delay * rng.uniform(1 - JITTER, 1 + JITTER)
