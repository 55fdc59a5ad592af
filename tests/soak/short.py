"""Shortens waits of minutes to fractions of a second, in test processes only."""

from __future__ import annotations

from datetime import timedelta

from digest.mail.outbox import retry_backoff
from digest.mail.smtp import connection_pool
from workers import tasks


def shorten() -> None:
    """Shorten all waits."""
    retry_backoff.IN_DOUBT = (timedelta(seconds=0.3),) * 4
    retry_backoff.FIRST = retry_backoff.TROUBLE = timedelta(seconds=0.5)
    retry_backoff.LONGEST = timedelta(seconds=1)
    connection_pool.SECONDS_DOWN = 0.3
    tasks.SECONDS_TO_DELIVER = 2.0
