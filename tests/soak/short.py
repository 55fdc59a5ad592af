"""Waits of minutes made into fractions of a second, in a process of a test alone."""

from __future__ import annotations

from datetime import timedelta

from digest.deliver import pool, retry
from workers import tasks


def shorten() -> None:
    """The same rules, sooner."""
    retry.IN_DOUBT = (timedelta(seconds=0.3),) * 4
    retry.FIRST = retry.TROUBLE = timedelta(seconds=0.5)
    retry.LONGEST = timedelta(seconds=1)
    pool.SECONDS_DOWN = 0.3
    tasks.SECONDS_TO_DELIVER = 2.0
