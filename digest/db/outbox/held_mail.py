"""Mails that may have arrived and are held until a person decides: listing and releasing them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select, update

from digest.models import Delivery
from digest.models.delivery import UNCERTAIN


def held_deliveries(session: Session, run_id: int | None = None, *, limit: int = 1000) -> Sequence[Delivery]:
    """Mails that may or may not have arrived and are held for a person's decision."""
    query = select(Delivery).where(Delivery.state == UNCERTAIN, col(Delivery.due_at).is_(None))
    filtered = query if run_id is None else query.where(Delivery.run_id == run_id)
    return session.exec(filtered.order_by(col(Delivery.id)).limit(limit)).all()


def release_held(session: Session, delivery_ids: Sequence[int], now: datetime) -> int:
    """Send held mails again, with their old Message-ID. Returns how many were held."""
    is_held = col(Delivery.id).in_(delivery_ids), col(Delivery.state) == UNCERTAIN, col(Delivery.due_at).is_(None)
    return session.exec(update(Delivery).where(*is_held).values(due_at=now, doubts=0)).rowcount
