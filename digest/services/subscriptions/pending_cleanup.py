"""Delete unconfirmed sign-ups: without consent no data is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, delete, func, or_, select

from digest import clock, settings
from digest.db.core import engine
from digest.db.subscribers import pending_imports
from digest.models import AccountRequest, SignUpRequest, Subscriber
from digest.models.subscriber import PENDING
from digest.services.security.link_lifetimes import ACCOUNT_REQUEST_KEPT_FOR
from digest.services.subscriptions import erasure

BATCH_SIZE = 200  # subscribers a transaction, to keep its locks short


def delete_unconfirmed(*, now: datetime | None = None) -> int:
    """Erase subscribers who signed up RETENTION_PENDING_DAYS ago or longer and never confirmed. Returns how many.

    A later sign-up of the same address restarts that period. Old requests of other subscribers and old imports are
    deleted too.
    """
    now = now or clock.now()
    cutoff, total = now - timedelta(days=settings.get().retention_pending_days), 0
    with engine.transaction() as session:
        session.execute(delete(SignUpRequest).where(col(SignUpRequest.created_at) < cutoff))
        requests_cutoff = now - ACCOUNT_REQUEST_KEPT_FOR
        session.execute(delete(AccountRequest).where(col(AccountRequest.created_at) < requests_cutoff))
        pending_imports.delete_expired(session, now=now)
    while True:
        with engine.transaction() as session:
            erased = _erase_batch(session, cutoff, now)
        total += erased
        if erased < BATCH_SIZE:
            return total


def _erase_batch(session: Session, cutoff: datetime, now: datetime) -> int:
    expired = session.exec(select(Subscriber).where(_is_expired(cutoff)).limit(BATCH_SIZE).with_for_update()).all()
    for subscriber in expired:
        erasure.erase_rows(session, subscriber, now=now)
    return len(expired)


def _is_expired(cutoff: datetime) -> ColumnElement[bool]:
    newest = select(func.max(SignUpRequest.created_at)).where(SignUpRequest.subscriber_id == Subscriber.id)
    newest_request = newest.correlate(Subscriber)
    newest_at = newest_request.scalar_subquery()
    is_old = or_(newest_at.is_(None), newest_at < cutoff)
    return and_(col(Subscriber.state) == PENDING, col(Subscriber.created_at) < cutoff, is_old)
