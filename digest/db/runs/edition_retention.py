"""Deletes old editions."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session, col, delete, func, select

from digest.models import Delivery, Edition
from digest.models.delivery import EDITION_KINDS, OPEN_STATES


def delete_older(session: Session, *, before: date, limit: int) -> int:
    """Delete editions of days before that one, oldest first. Returns how many; repeat while it is `limit`.

    Those whose mail is not settled stay, and so does each subscriber's newest, which says what they have seen.
    """
    with_open_mail = select(col(Delivery.subject_id)).where(
        col(Delivery.kind).in_(EDITION_KINDS), col(Delivery.state).in_(OPEN_STATES)
    )
    newest = select(func.max(col(Edition.id))).group_by(col(Edition.subscriber_id))
    old = (
        select(Edition.id)
        .where(col(Edition.day) < before, col(Edition.id).not_in(with_open_mail), col(Edition.id).not_in(newest))
        .order_by(col(Edition.id))
        .limit(limit)
    )
    return session.exec(delete(Edition).where(col(Edition.id).in_(old))).rowcount
