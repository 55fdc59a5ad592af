"""Sign-ups that nobody confirmed are forgotten: without consent nothing is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, func, or_, select

from digest import clock
from digest.db import engine
from digest.models import Consent, Subscriber
from digest.models.subscriber import PENDING
from digest.services import erase

KEPT_FOR = timedelta(days=30)  # the link in the mail is good for 14
AT_ONCE = 200  # readers a transaction: nobody waits long for it


def forget(*, now: datetime | None = None) -> int:
    """Erase who asked 30 days ago or longer and never confirmed. Harmless when repeated. Returns how many.

    A later sign-up of the same address begins the 30 days anew.
    """
    before, total = (now or clock.now()) - KEPT_FOR, 0
    while True:
        with engine.transaction() as session:
            gone = _some(session, before)
        total += gone
        if gone < AT_ONCE:
            return total


def _some(session: Session, before: datetime) -> int:
    found = session.exec(select(Subscriber).where(_given_up(before)).limit(AT_ONCE).with_for_update()).all()
    for reader in found:
        erase.forget(session, reader)
    return len(found)


def _given_up(before: datetime) -> ColumnElement[bool]:
    asked = select(func.max(Consent.at)).where(Consent.subscriber_id == Subscriber.id).correlate(Subscriber)
    last = asked.scalar_subquery()
    old = or_(last.is_(None), last < before)
    return and_(col(Subscriber.state) == PENDING, col(Subscriber.created_at) < before, old)
