"""Retention: once a day, delete expired data, and suppress addresses that keep failing.

Finished deliveries, with their addresses, and bounce reports: RETENTION_DAYS. Subscribers who left, with editions,
profiles, consents and the audit rows about them: RETENTION_LEFT_DAYS. Unconfirmed sign-ups: RETENTION_PENDING_DAYS.
The audit: RETENTION_AUDIT_DAYS.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from digest import clock, logs, settings
from digest.db.core.engine import reading, transaction
from digest.db.outbox import retention
from digest.db.subscribers import subscriber_listing
from digest.db.subscribers.scrub import scrub_deleted
from digest.models.types import stored_id
from digest.services.bounces import process_reports
from digest.services.selection import profile_cache
from digest.services.subscriptions import erasure, local_mailbox, pending_cleanup

log = logs.get(__name__)

ROWS_AT_ONCE = 2000  # rows a transaction, so that nobody waits long for it
PEOPLE_AT_ONCE = 200


def delete_expired(*, now: datetime | None = None) -> int:
    """Daily maintenance; harmless when repeated. Returns how many deliveries and reports were deleted."""
    now, config = now or clock.now(), settings.get()
    before = now - timedelta(days=config.retention_days)
    deleted = _delete_deliveries(before)
    with transaction() as session:
        deleted += retention.delete_old_records(session, reports_before=before, attempts_before=now - timedelta(days=2))
        retention.delete_old_audit(session, now - timedelta(days=config.retention_audit_days))
    given_up = process_reports.suppress_failing_addresses(now=now)
    departed = _erase_departed(now - timedelta(days=config.retention_left_days), now)
    pending = pending_cleanup.delete_unconfirmed(now=now)
    if departed or pending or _erased_since(now - timedelta(days=2)):
        scrub_deleted()
    log.info(
        "expired_data_deleted", deleted=deleted, addresses_given_up=given_up, unconfirmed=pending, departed=departed
    )
    return deleted


def _erase_departed(before: datetime, now: datetime) -> int:
    """Erase subscribers who left before then. Returns how many."""
    total = 0
    while True:
        with transaction() as session:
            people = subscriber_listing.unsubscribed_before(session, before, limit=PEOPLE_AT_ONCE)
            erased = [(stored_id(subscriber), subscriber.address) for subscriber in people]
            for subscriber in people:
                erasure.erase_rows(session, subscriber, now=now)
        for subscriber_id, address in erased:
            profile_cache.delete_profiles_of(subscriber_id)
            local_mailbox.forget_address(address)
        total += len(erased)
        if len(erased) < PEOPLE_AT_ONCE:
            return total


def _erased_since(since: datetime) -> bool:
    """True where a subscriber was erased since then: rewriting SQLite's file may have failed at that time."""
    with reading() as session:
        return subscriber_listing.was_audited(session, erasure.ERASE, since=since)


def _delete_deliveries(before: datetime) -> int:
    """Delete finished deliveries queued before then, with their addresses. Returns how many."""
    total = 0
    while True:
        with transaction() as session:
            deleted = retention.delete_finished(session, before, limit=ROWS_AT_ONCE)
        total += deleted
        if deleted < ROWS_AT_ONCE:
            return total
