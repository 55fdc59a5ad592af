"""Owing a mail to a reader: the next serial of its kind, in the transaction that makes it owed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.db import deliveries
from digest.models import Delivery


def owe_next(
    session: Session,
    kind: str,
    *,
    subject_id: int,
    address: str,
    now: datetime,
    subscriber_id: int | None = None,
    payload: dict[str, Any] | None = None,
) -> None:
    """Owe one more mail of this kind about this subject. The caller holds the subject's row."""
    last = session.exec(
        select(func.max(Delivery.serial)).where(Delivery.kind == kind, col(Delivery.subject_id) == subject_id)
    ).one()
    owed = deliveries.Owed(
        kind,
        subject_id,
        address,
        serial=0 if last is None else last + 1,
        subscriber_id=subscriber_id,
        payload=payload,
    )
    deliveries.owe(session, [owed], now)
