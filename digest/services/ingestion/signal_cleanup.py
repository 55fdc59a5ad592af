"""Thins out old counter snapshots: the first, the last and each day's highest stay, so that growth remains visible."""

from __future__ import annotations

from datetime import datetime, timedelta

from digest import clock, logs
from digest.db.core.engine import transaction
from digest.db.papers import signals

log = logs.get(__name__)

KEEP_ALL_FOR = timedelta(days=14)
PAPERS_PER_TRANSACTION = 2000


def thin_out_snapshots(now: datetime | None = None) -> int:
    """Delete redundant snapshots older than 14 days. Returns their number. Idempotent."""
    before = (now or clock.now()) - KEEP_ALL_FOR
    total_removed = 0
    after_paper: int | None = 0
    while after_paper is not None:
        with transaction() as session:
            removed_count, after_paper = signals.thin_out_snapshots(
                session, before, after_paper=after_paper, max_papers=PAPERS_PER_TRANSACTION
            )
        total_removed += removed_count
    log.info("snapshots_thinned_out", removed=total_removed)
    return total_removed
