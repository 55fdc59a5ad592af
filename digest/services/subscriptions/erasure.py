"""Erase a subscriber: the row and all personal data, in tables, files and deleted pages of the database.

At most a keyed hash of the address is kept (`FormerAddress`): where it is suppressed, or where its owner unsubscribed
or requested the erasure, so that neither a mail nor an import subscribes it again.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from digest import clock
from digest.db.bounces import reports
from digest.db.core import engine
from digest.db.core.sqlite_vacuum import scrub_deleted
from digest.db.outbox import subscriber_mail
from digest.db.runs import editions
from digest.db.security import audit
from digest.db.subscribers import former_addresses, subscribers
from digest.errors import NotFound
from digest.i18n import localize
from digest.models import Audit, Subscriber
from digest.models.subscriber import ACTIVE, BY_ADMINISTRATOR, UNSUBSCRIBED
from digest.models.types import stored_id
from digest.services.security import rate_limits
from digest.services.security.audit_actor import command_line_actor
from digest.services.selection import profile_cache
from digest.services.subscriptions import local_mailbox

ERASE = "erase"  # the action of the audit


def erase(subscriber_id: int, *, by_administrator: bool = False, administrator: str = "") -> bool:
    """Erase a subscriber. False where the database's file could not be rewritten now; the daily maintenance does it.

    Profiles and consents are deleted with the row; deliveries are kept without the address. `administrator`: who
    erases; '' for the user of the command line. Raises NotFound.
    """
    now = clock.now()
    with engine.transaction() as session:
        subscriber = subscribers.by_id(session, subscriber_id, lock=True)
        if subscriber is None:
            raise NotFound(localize("this subscription no longer exists"))
        address, was_active = subscriber.address, subscriber.state == ACTIVE
        erase_rows(session, subscriber, now=now)
        if was_active and not by_administrator:
            former_addresses.store_former_address(
                session, subscriber.address_key, reason="erased", suppressed=False, at=now
            )
        actor = (administrator or command_line_actor()) if by_administrator else "subscriber"
        session.add(Audit(at=now, actor=actor, action=ERASE, detail={}))
    profile_cache.delete_profiles_of(subscriber_id)
    local_mailbox.delete_mail_about(address)
    return scrub_deleted()


def erase_rows(session: Session, subscriber: Subscriber, *, now: datetime) -> None:
    """The part of `erase` in the database, within a transaction that has locked the subscriber's row."""
    key, subscriber_id = subscriber.address_key, stored_id(subscriber)
    subscriber_mail.anonymize_mail(session, subscriber)
    reports.delete_reports(session, key)
    audit.delete_audit_of_subscriber(session, subscriber_id)
    subscribers.delete_attempts_of_key(session, str(subscriber_id))
    rate_limits.forget_address(session, key)
    editions.delete_editions(session, subscriber_id)
    _keep_hash(session, subscriber, now)
    subscribers.delete_subscriber(session, subscriber_id)


def _keep_hash(session: Session, subscriber: Subscriber, now: datetime) -> None:
    """Keep a hash of the address where it is suppressed or its owner unsubscribed."""
    key = subscriber.address_key
    suppression = subscribers.suppression(session, key)
    if suppression is not None:
        reason = BY_ADMINISTRATOR if suppression.source == BY_ADMINISTRATOR else suppression.reason
        former_addresses.store_former_address(session, key, reason=reason, suppressed=True, at=suppression.at)
        reports.delete_suppression(session, key)
    elif subscriber.state == UNSUBSCRIBED:
        at = subscriber.left_at or now
        former_addresses.store_former_address(session, key, reason="left", suppressed=False, at=at)
