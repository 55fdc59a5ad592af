"""Owing a mail to a reader: the next serial of its kind, in the transaction that makes it owed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.models import Delivery
from digest.models.delivery import QUEUED


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
    session.add(
        Delivery(
            kind=kind,
            subject_id=subject_id,
            serial=0 if last is None else last + 1,
            subscriber_id=subscriber_id,
            address=address,
            domain=address.rpartition("@")[2],
            priority=0,
            state=QUEUED,
            due_at=now,
            created_at=now,
            payload=payload,
        )
    )
