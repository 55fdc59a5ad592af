"""Sign-ups that nobody confirmed are forgotten: without consent nothing is kept."""

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

AT_ONCE = 200  # readers a transaction: nobody waits long for it


def forget(*, now: datetime | None = None) -> int:
    """Erase who asked RETENTION_PENDING_DAYS ago or longer and never confirmed. Returns how many; again: none.

    A later sign-up of the same address begins these days anew. What others asked for and did not confirm goes too.
    """
    now = now or clock.now()
    before, total = now - timedelta(days=settings.get().retention_pending_days), 0
    with engine.transaction() as session:
        session.execute(delete(SignUpRequest).where(col(SignUpRequest.created_at) < before))
        old = now - ACCOUNT_REQUEST_KEPT_FOR
        session.execute(delete(AccountRequest).where(col(AccountRequest.created_at) < old))
    while True:
        with engine.transaction() as session:
            gone = _some(session, before, now)
        total += gone
        if gone < AT_ONCE:
            return total


def _some(session: Session, before: datetime, now: datetime) -> int:
    found = session.exec(select(Subscriber).where(_given_up(before)).limit(AT_ONCE).with_for_update()).all()
    for reader in found:
        erasure.forget(session, reader, now=now)
    return len(found)


def _given_up(before: datetime) -> ColumnElement[bool]:
    newest = select(func.max(SignUpRequest.created_at)).where(SignUpRequest.subscriber_id == Subscriber.id)
    asked = newest.correlate(Subscriber)
    last = asked.scalar_subquery()
    old = or_(last.is_(None), last < before)
    return and_(col(Subscriber.state) == PENDING, col(Subscriber.created_at) < before, old)
