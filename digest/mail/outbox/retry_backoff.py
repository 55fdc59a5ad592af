"""When a mail is tried again. Pure: the number of tries gives the wait; jitter spreads what failed together."""

from __future__ import annotations

import random
from datetime import timedelta

DAY = timedelta(days=1)
FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=2)
SHARE = 0.2  # a wait is this much shorter or longer by chance
IN_DOUBT = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 300, 1800))
TROUBLE = timedelta(minutes=1)  # our own server failed: it is asked again soon
POLICY = timedelta(hours=4)  # a domain that refuses by policy rests
REFUSED = timedelta(minutes=30)  # a domain for which our server does not serve us (relaying, sender, quota) rests
SERVER_REFUSES = timedelta(minutes=10)  # the server refuses mail for many domains: it is asked again after so long
HORIZON = timedelta(days=14)  # a mail that is refused because of us is tried for so long


def wait(attempts: int) -> timedelta | None:
    """The wait after the try with that number (from 1): a minute, doubled up to two hours; None after a day."""
    if attempts < 1:
        return FIRST
    waited = sum((_step(tried) for tried in range(1, attempts)), timedelta())
    return _step(attempts) if waited < DAY else None


def _step(attempts: int) -> timedelta:
    return min(FIRST * (1 << min(attempts - 1, 10)), LONGEST)


def wait_in_doubt(doubts: int) -> timedelta | None:
    """The wait after so many tries without an answer; None when it was sent five times: a person decides."""
    return IN_DOUBT[doubts - 1] if doubts <= len(IN_DOUBT) else None


def jittered(delay: timedelta, chance: random.Random) -> timedelta:
    """That wait, a fifth shorter or longer."""
    return delay * chance.uniform(1 - SHARE, 1 + SHARE)
