"""Unsubscribing. It may be repeated."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from digest import clock
from digest.db.core import engine
from digest.db.outbox import subscriber_mail
from digest.db.subscribers import subscribers
from digest.models import Subscriber
from digest.models.delivery import EDITION_KINDS
from digest.models.subscriber import UNSUBSCRIBED
from digest.services.subscriptions import consent_origin
from digest.services.subscriptions.sign_up import WORDING_VERSION


def subscriber_of(subscriber_id: int) -> Subscriber | None:
    """The subscriber of an unsubscribe link; None after erasure."""
    with engine.reading() as session:
        return subscribers.by_id(session, subscriber_id)


def unsubscribe(subscriber_id: int, client: str = "") -> None:
    """Stop all mail at once. Repeated, or after erasure, it changes nothing and raises no error."""
    with engine.transaction() as session:
        unsubscribe_in_session(session, subscriber_id, client, now=clock.now())


def unsubscribe_in_session(session: Session, subscriber_id: int, client: str, *, now: datetime) -> bool:
    """`unsubscribe` within a transaction. False if the subscriber had unsubscribed before, or is erased."""
    subscriber = subscribers.by_id(session, subscriber_id, lock=True)
    if subscriber is None or subscriber.state == UNSUBSCRIBED:
        return False
    subscriber.state, subscriber.left_at, subscriber.next_due_at = UNSUBSCRIBED, now, None
    subscribers.record_consent(
        session, subscriber_id, "left", now=now, client=consent_origin.stored_form(client), wording=WORDING_VERSION
    )
    subscriber_mail.cancel_waiting(session, subscriber_id, EDITION_KINDS)
    return True
