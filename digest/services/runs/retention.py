"""Retention: once a day, delete expired data, and suppress addresses that keep failing.

Finished deliveries, with their addresses, and bounce reports: RETENTION_DAYS. Subscribers who left, with editions,
profiles, consents and the audit rows about them: RETENTION_LEFT_DAYS. Unconfirmed sign-ups: RETENTION_PENDING_DAYS.
The audit: RETENTION_AUDIT_DAYS. Editions: RETENTION_EDITIONS_DAYS, papers: RETENTION_PAPERS_DAYS, where these are set.
Idempotency keys of the API: a day. Contexts of topics: 35 days after their epoch began.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from digest import clock, logs, settings
from digest.db.core.engine import reading, transaction
from digest.db.core.sqlite_vacuum import scrub_deleted
from digest.db.outbox import outbox_deletion
from digest.db.papers import author_lookups, paper_retention
from digest.db.runs import edition_retention
from digest.db.security import audit, idempotency_keys
from digest.db.subscribers import subscriber_listing, topic_contexts
from digest.models.types import stored_id
from digest.services.bounces import process_reports
from digest.services.catalog import author_lookup
from digest.services.security import idempotency
from digest.services.selection import profile_cache
from digest.services.subscriptions import erasure, local_mailbox, pending_cleanup

log = logs.get(__name__)

ROWS_PER_TRANSACTION = 2000  # rows a transaction, so that nobody waits long for it
SUBSCRIBERS_PER_TRANSACTION = 200
CONTEXTS_STORED_FOR = timedelta(days=35)  # pages about an edition's further papers need those of its epoch


def delete_expired(*, now: datetime | None = None) -> int:
    """Daily maintenance; harmless when repeated. Returns how many deliveries and reports were deleted."""
    now, config = now or clock.now(), settings.get()
    cutoff = now - timedelta(days=config.retention_days)
    deleted = _delete_deliveries(cutoff)
    with transaction() as session:
        deleted += outbox_deletion.delete_old_records(
            session, reports_before=cutoff, attempts_before=now - timedelta(days=2)
        )
        idempotency_keys.delete_older_than(session, now - idempotency.KEPT_FOR)
        author_lookups.delete_older_than(session, now - author_lookup.STORED_FOR)
        topic_contexts.delete_of_epochs_before(session, now - CONTEXTS_STORED_FOR)
        audit.delete_older_than(session, now - timedelta(days=config.retention_audit_days))
    editions = _delete_in_parts(config.retention_editions_days, now, edition_retention.delete_older)
    papers = _delete_in_parts(config.retention_papers_days, now, paper_retention.delete_older)
    suppressed = process_reports.suppress_failing_addresses(now=now)
    erased = _erase_unsubscribed(now - timedelta(days=config.retention_left_days), now)
    pending = pending_cleanup.delete_unconfirmed(now=now)
    if erased or pending or _erased_since(now - timedelta(days=2)):
        scrub_deleted()
    log.info(
        "expired_data_deleted",
        deleted=deleted,
        addresses_given_up=suppressed,
        unconfirmed=pending,
        departed=erased,
        editions=editions,
        papers=papers,
    )
    return deleted


def _delete_in_parts(days: int, now: datetime, delete_older: Callable[..., int]) -> int:
    """Delete what is older than so many days, in short transactions; nothing for 0. Returns how many."""
    total, deleted = 0, ROWS_PER_TRANSACTION if days else 0
    while deleted == ROWS_PER_TRANSACTION:
        with transaction() as session:
            deleted = delete_older(session, before=(now - timedelta(days=days)).date(), limit=ROWS_PER_TRANSACTION)
        total += deleted
    return total


def _erase_unsubscribed(cutoff: datetime, now: datetime) -> int:
    """Erase subscribers who left before then. Returns how many."""
    total = 0
    while True:
        with transaction() as session:
            subscribers = subscriber_listing.unsubscribed_before(session, cutoff, limit=SUBSCRIBERS_PER_TRANSACTION)
            erased = [(stored_id(subscriber), subscriber.address) for subscriber in subscribers]
            for subscriber in subscribers:
                erasure.erase_rows(session, subscriber, now=now)
        for subscriber_id, address in erased:
            profile_cache.delete_profiles_of(subscriber_id)
            local_mailbox.delete_mail_about(address)
        total += len(erased)
        if len(erased) < SUBSCRIBERS_PER_TRANSACTION:
            return total


def _erased_since(since: datetime) -> bool:
    """True where a subscriber was erased since then: rewriting SQLite's file may have failed at that time."""
    with reading() as session:
        return audit.was_audited(session, erasure.ERASE, since=since)


def _delete_deliveries(cutoff: datetime) -> int:
    """Delete finished deliveries queued before then, with their addresses. Returns how many."""
    total = 0
    while True:
        with transaction() as session:
            deleted = outbox_deletion.delete_finished(session, cutoff, limit=ROWS_PER_TRANSACTION)
        total += deleted
        if deleted < ROWS_PER_TRANSACTION:
            return total
