"""Forgetting. Once a day: what is over or never confirmed is deleted; addresses that keep failing are given up."""

from __future__ import annotations

from datetime import datetime, timedelta

from digest import clock, logs, settings
from digest.db import upkeep
from digest.db.engine import transaction
from digest.services import bounces, unconfirmed

log = logs.get(__name__)

AT_ONCE = 2000  # rows a transaction: nobody waits long for it


def daily(*, now: datetime | None = None) -> int:
    """The day's upkeep; harmless when repeated. Returns how many deliveries and reports are gone."""
    now = now or clock.now()
    before = now - timedelta(days=settings.get().retention_days)
    gone = _forget_deliveries(before)
    with transaction() as session:
        gone += upkeep.forget_reports(session, reports=before, tries=now - timedelta(days=2))
    given_up, unconfirmed_gone = bounces.settle(now=now), unconfirmed.forget(now=now)
    log.info("upkeep", deleted=gone, addresses_given_up=given_up, unconfirmed=unconfirmed_gone)
    return gone


def _forget_deliveries(before: datetime) -> int:
    """Those that ended and were owed before then, with the addresses they went to."""
    total = 0
    while True:
        with transaction() as session:
            gone = upkeep.retire(session, before, limit=AT_ONCE)
        total += gone
        if gone < AT_ONCE:
            return total
