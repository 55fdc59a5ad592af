"""Old snapshots of counters, thinned out: first, last and each day's best stay, so that growth can still be seen."""

from __future__ import annotations

from datetime import datetime, timedelta

from digest import clock, logs
from digest.db.core.engine import transaction
from digest.db.papers import signals

log = logs.get(__name__)

KEPT_WHOLE = timedelta(days=14)
PAPERS = 2000


def thin_out(now: datetime | None = None) -> int:
    """Remove what is not needed of snapshots older than 14 days. Returns how many; again removes nothing."""
    before = (now or clock.now()) - KEPT_WHOLE
    gone = 0
    after: int | None = 0
    while after is not None:
        with transaction() as session:
            removed, after = signals.thin_out(session, before, after=after, papers=PAPERS)
        gone += removed
    log.info("snapshots_thinned_out", removed=gone)
    return gone
