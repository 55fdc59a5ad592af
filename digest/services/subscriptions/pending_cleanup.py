"""Delete unconfirmed sign-ups: without consent no data is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, delete, func, or_, select

from digest import clock, settings
from digest.db.core import engine
from digest.models import AccountRequest, SignUpRequest, Subscriber
from digest.models.subscriber import PENDING
from digest.services.security.link_lifetimes import ACCOUNT_REQUEST_KEPT_FOR
from digest.services.subscriptions import erasure

BATCH_SIZE = 200  # subscribers a transaction, to keep its locks short


def delete_unconfirmed(*, now: datetime | None = None) -> int:
    """Erase subscribers who signed up RETENTION_PENDING_DAYS ago or longer and never confirmed. Returns how many.

    A later sign-up of the same address restarts that period. Old requests of other subscribers are deleted too.
    """
    now = now or clock.now()
    before, total = now - timedelta(days=settings.get().retention_pending_days), 0
    with engine.transaction() as session:
        session.execute(delete(SignUpRequest).where(col(SignUpRequest.created_at) < before))
        old = now - ACCOUNT_REQUEST_KEPT_FOR
        session.execute(delete(AccountRequest).where(col(AccountRequest.created_at) < old))
    while True:
        with engine.transaction() as session:
            forgotten = _forget_batch(session, before, now)
        total += forgotten
        if forgotten < BATCH_SIZE:
            return total


def _forget_batch(session: Session, before: datetime, now: datetime) -> int:
    expired = session.exec(select(Subscriber).where(_expired(before)).limit(BATCH_SIZE).with_for_update()).all()
    for subscriber in expired:
        erasure.erase_rows(session, subscriber, now=now)
    return len(expired)


def _expired(before: datetime) -> ColumnElement[bool]:
    newest = select(func.max(SignUpRequest.created_at)).where(SignUpRequest.subscriber_id == Subscriber.id)
    newest_request = newest.correlate(Subscriber)
    last = newest_request.scalar_subquery()
    old = or_(last.is_(None), last < before)
    return and_(col(Subscriber.state) == PENDING, col(Subscriber.created_at) < before, old)
