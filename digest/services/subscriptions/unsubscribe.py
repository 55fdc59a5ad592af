"""Leaving. GET only asks, because mail scanners follow links; POST acts, and may be repeated."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, update

from digest import clock
from digest.db.core import engine
from digest.db.subscribers import subscribers
from digest.models import Delivery, Subscriber
from digest.models.delivery import CANCELLED, DEFERRED, DIGEST, NOTICE, QUEUED, RESEND, UNCERTAIN, WELCOME
from digest.models.subscriber import LEFT
from digest.services.subscriptions import consent_origin
from digest.services.subscriptions.sign_up import WORDING

EDITIONS = (DIGEST, WELCOME, NOTICE, RESEND)
WAITING = (QUEUED, DEFERRED, UNCERTAIN)  # what is being sent this moment can't be called back


def look(subscriber_id: int) -> Subscriber | None:
    """The reader behind an unsubscribe link; None where they are erased."""
    with engine.reading() as session:
        return subscribers.by_id(session, subscriber_id)


def leave(subscriber_id: int, client: str = "") -> None:
    """No more mail, from this moment. Repeated, or for an erased reader, it changes nothing and is no error."""
    with engine.transaction() as session:
        depart(session, subscriber_id, client, now=clock.now())


def depart(session: Session, subscriber_id: int, client: str, *, now: datetime) -> bool:
    """`leave` within a transaction. False where the reader had left before, or is erased."""
    reader = subscribers.by_id(session, subscriber_id, lock=True)
    if reader is None or reader.state == LEFT:
        return False
    reader.state, reader.left_at, reader.next_due_at = LEFT, now, None
    subscribers.consent(
        session, subscriber_id, "left", now=now, client=consent_origin.stored_form(client), wording=WORDING
    )
    session.execute(
        update(Delivery)
        .where(
            col(Delivery.subscriber_id) == subscriber_id,
            col(Delivery.kind).in_(EDITIONS),
            col(Delivery.state).in_(WAITING),
        )
        .values(state=CANCELLED, due_at=None)
    )
    return True
