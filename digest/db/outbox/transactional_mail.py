"""Queues a single mail, in the transaction of the change that it is about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from digest.db.outbox import deliveries
from digest.models import Delivery


def enqueue_next(
    session: Session,
    kind: str,
    *,
    subject_id: int,
    address: str,
    now: datetime,
    subscriber_id: int | None = None,
    run_id: int | None = None,
    payload: dict[str, Any] | None = None,
    first_serial: int = 0,
) -> int:
    """Queue the next mail of a kind about a subject. Returns its serial; the first one is `first_serial`."""
    serial = deliveries.next_serial(session, kind, subject_id, first_serial=first_serial)
    delivery = deliveries.NewDelivery(
        kind, subject_id, address, serial=serial, subscriber_id=subscriber_id, run_id=run_id, payload=payload
    )
    deliveries.enqueue(session, [delivery], now)
    return serial


def delivery_id_of(session: Session, kind: str, subject_id: int, serial: int) -> int:
    """The id of the delivery of this kind about a subject that has this serial."""
    statement = select(col(Delivery.id)).where(
        col(Delivery.kind) == kind, col(Delivery.subject_id) == subject_id, col(Delivery.serial) == serial
    )
    return int(session.execute(statement).scalar_one() or 0)
