"""Erasing a reader: the row and everything personal. Only the key of a suppressed address stays."""

from __future__ import annotations

from sqlmodel import Session, col, delete, or_, update

from digest.compose.language import say
from digest.db import engine, subscribers
from digest.errors import NotFound
from digest.models import Attempt, Bounce, Delivery, Edition, Subscriber, Suppression
from digest.models.delivery import CANCELLED, OPEN
from digest.models.subscriber import BY_ADMINISTRATOR
from digest.services import limits, shelves


def erase(subscriber_id: int) -> None:
    """Forget a reader. Profiles and consents go with the row, editions before it; deliveries keep counts alone.

    Raises NotFound.
    """
    with engine.transaction() as session:
        reader = subscribers.by_id(session, subscriber_id, lock=True)
        if reader is None:
            raise NotFound(say("this subscription no longer exists"))
        forget(session, reader)
    shelves.forget(subscriber_id)


def forget(session: Session, reader: Subscriber) -> None:
    """`erase` within a transaction that holds the reader's row."""
    theirs = or_(col(Delivery.subscriber_id) == reader.id, col(Delivery.address) == reader.address)
    session.execute(
        update(Delivery)
        .where(theirs, col(Delivery.state).in_(OPEN))
        .values(state=CANCELLED, due_at=None, lease_id=None)
    )
    session.execute(update(Delivery).where(theirs).values(address="", reply="", payload=None, subscriber_id=None))
    session.execute(delete(Bounce).where(col(Bounce.address_key) == reader.address_key))
    told = col(Suppression.address_key) == reader.address_key, col(Suppression.source) != BY_ADMINISTRATOR
    session.execute(update(Suppression).where(*told).values(source=""))
    key = limits.keyed(f"{limits.CONFIRMATIONS.action}:{reader.address_key}")
    session.execute(delete(Attempt).where(col(Attempt.key) == key))
    session.execute(delete(Edition).where(col(Edition.subscriber_id) == reader.id))
    session.execute(delete(Subscriber).where(col(Subscriber.id) == reader.id))
