"""Shortens waits of minutes to fractions of a second, in test processes only."""

from __future__ import annotations

from datetime import timedelta

from digest.mail.outbox import retry_backoff
from digest.mail.smtp import connection_pool
from workers import enqueue


def shorten() -> None:
    """Shorten all waits."""
    retry_backoff.UNCERTAIN_DELAYS = (timedelta(seconds=0.3),) * 4
    retry_backoff.FIRST_DELAY = retry_backoff.SERVER_TROUBLE_DELAY = timedelta(seconds=0.5)
    retry_backoff.MAX_DELAY = timedelta(seconds=1)
    connection_pool.DOWN_SECONDS = 0.3
    enqueue.DELIVER_MARK_SECONDS = 2.0
