"""Retention: once a day, what is over is deleted, each kind after its time. Addresses that keep failing are given up.

Deliveries that ended, with their addresses, and reports of bounces: RETENTION_DAYS. People who left, with editions,
profiles, consents and the audit rows about them: RETENTION_LEFT_DAYS. Sign-ups that nobody confirmed:
RETENTION_PENDING_DAYS. The audit: RETENTION_AUDIT_DAYS.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import col, select

from digest import clock, logs, settings
from digest.db.core.engine import reading, transaction
from digest.db.outbox import retention
from digest.db.subscribers.scrub import scrub_deleted
from digest.models import Audit, Subscriber
from digest.models.subscriber import LEFT
from digest.services.bounces import process_reports
from digest.services.selection import profile_cache
from digest.services.subscriptions import erasure, local_mailbox, pending_cleanup

log = logs.get(__name__)

AT_ONCE = 2000  # rows a transaction: nobody waits long for it
PEOPLE_AT_ONCE = 200


def daily(*, now: datetime | None = None) -> int:
    """The day's upkeep; harmless when repeated. Returns how many deliveries and reports are gone."""
    now, chosen = now or clock.now(), settings.get()
    before = now - timedelta(days=chosen.retention_days)
    gone = _forget_deliveries(before)
    with transaction() as session:
        gone += retention.forget_reports(session, reports=before, tries=now - timedelta(days=2))
        retention.forget_audit(session, now - timedelta(days=chosen.retention_audit_days))
    given_up = process_reports.settle(now=now)
    departed = _forget_departed(now - timedelta(days=chosen.retention_left_days), now)
    pending = pending_cleanup.forget(now=now)
    if departed or pending or _erased_since(now - timedelta(days=2)):
        scrub_deleted()
    log.info("upkeep", deleted=gone, addresses_given_up=given_up, unconfirmed=pending, departed=departed)
    return gone


def _forget_departed(before: datetime, now: datetime) -> int:
    """Erase who left by then. Returns how many."""
    total = 0
    query = select(Subscriber).where(Subscriber.state == LEFT, col(Subscriber.left_at) < before).limit(PEOPLE_AT_ONCE)
    while True:
        with transaction() as session:
            people = session.exec(query.with_for_update()).all()
            gone = [(subscriber.id or 0, subscriber.address) for subscriber in people]
            for subscriber in people:
                erasure.forget(session, subscriber, now=now)
        for number, address in gone:
            profile_cache.forget(number)
            local_mailbox.forget_address(address)
        total += len(gone)
        if len(gone) < PEOPLE_AT_ONCE:
            return total


def _erased_since(since: datetime) -> bool:
    """Was somebody erased since then? Rewriting the database's file may have failed at that time."""
    with reading() as session:
        erased = select(Audit.id).where(Audit.action == erasure.ERASE, col(Audit.at) > since)
        return session.exec(erased.limit(1)).first() is not None


def _forget_deliveries(before: datetime) -> int:
    """Those that ended and were owed before then, with the addresses they went to."""
    total = 0
    while True:
        with transaction() as session:
            gone = retention.retire(session, before, limit=AT_ONCE)
        total += gone
        if gone < AT_ONCE:
            return total
