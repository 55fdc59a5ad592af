"""Settles deliveries by a mail log: finds those that a log names, and marks them as sent.

Needed after a restore: the backup shows mails as not sent that went out after it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select, update

from digest.db.core import installation
from digest.db.outbox.deliveries import ROWS_PER_STATEMENT
from digest.db.outbox.message_ids import DeliveryKey, message_id
from digest.models import Delivery, Subscriber
from digest.models.delivery import EDITION_KINDS, FIRST_EDITION_KINDS, OPEN_STATES, SENT
from digest.models.types import stored_id

REPLY = "sent before the restore, by the mail log"


def deliveries_by_id(session: Session, delivery_ids: Sequence[int]) -> dict[int, Delivery]:
    """The deliveries with these ids."""
    by_id: dict[int, Delivery] = {}
    for start in range(0, len(delivery_ids), ROWS_PER_STATEMENT):
        batch = delivery_ids[start : start + ROWS_PER_STATEMENT]
        by_id |= {stored_id(row): row for row in session.exec(select(Delivery).where(col(Delivery.id).in_(batch)))}
    return by_id


def message_id_of(session: Session, delivery: Delivery, domain: str) -> str:
    """The Message-ID of a delivery: the stored one, or the one that its first claim would store."""
    if delivery.message_id:
        return delivery.message_id
    key = DeliveryKey(stored_id(delivery), delivery.kind, delivery.subject_id, delivery.serial, delivery.created_at)
    return message_id(key, installation=installation.installation_key(session), domain=domain)


def first_delivery_of_edition(session: Session, edition_id: int) -> Delivery | None:
    """The first mail of an edition, not a resend."""
    query = select(Delivery).where(col(Delivery.kind).in_(FIRST_EDITION_KINDS), Delivery.subject_id == edition_id)
    return session.exec(query.order_by(col(Delivery.id)).limit(1)).first()


def mark_sent(
    session: Session, delivery_id: int, sent_message_id: str, at: datetime | None, now: datetime, reply: str = REPLY
) -> bool:
    """Mark an open delivery as sent. False where its state is final."""
    query = update(Delivery).where(col(Delivery.id) == delivery_id, col(Delivery.state).in_(OPEN_STATES))
    values: dict[str, object] = {"state": SENT, "due_at": None, "lease_id": None, "tried_at": at or now, "reply": reply}
    if sent_message_id:
        values["message_id"] = sent_message_id
    return session.exec(query.values(**values)).rowcount == 1


def open_edition_mails(session: Session, before: datetime, *, limit: int) -> list[tuple[str, str]]:
    """(address, kind) of mails with editions that were queued before that moment and are not settled yet, by id."""
    query = select(Delivery.address, Delivery.kind).where(
        col(Delivery.kind).in_(EDITION_KINDS), col(Delivery.state).in_(OPEN_STATES), Delivery.created_at <= before
    )
    return [(address, kind) for address, kind in session.exec(query.order_by(col(Delivery.id)).limit(limit))]


def insert_sent_delivery(
    session: Session,
    subscriber: Subscriber,
    *,
    kind: str,
    edition_id: int,
    run_id: int | None,
    logged: str,
    at: datetime,
) -> None:
    """Store the mail of an edition as sent at that time, with the Message-ID that the log has."""
    session.add(
        Delivery(
            kind=kind,
            subject_id=edition_id,
            subscriber_id=subscriber.id,
            run_id=run_id,
            address=subscriber.address,
            domain=subscriber.address.rpartition("@")[2].lower(),
            state=SENT,
            message_id=logged or None,
            attempts=1,
            created_at=at,
            tried_at=at,
            reply=REPLY,
        )
    )
