"""Counts of events by UTC day, for the administrator's charts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, or_, select

from digest.db.core.dialect import utc_day
from digest.models import Bounce, Delivery, Subscriber
from digest.models.delivery import SENT


def sent_by_day(session: Session, since: datetime) -> dict[date, int]:
    """Sent e-mails by the day of their last attempt."""
    return _by_day(session, col(Delivery.tried_at), since, Delivery.state == SENT)


def bounces_by_day(session: Session, since: datetime) -> dict[date, int]:
    """Bounce reports by day."""
    return _by_day(session, col(Bounce.at), since)


def joined_by_day(session: Session, since: datetime) -> dict[date, int]:
    """Subscribers by the day of their confirmation, also those who left later."""
    return _by_day(session, col(Subscriber.confirmed_at), since)


def left_by_day(session: Session, since: datetime) -> dict[date, int]:
    """Confirmed subscribers who left, by day."""
    return _by_day(session, col(Subscriber.left_at), since, col(Subscriber.confirmed_at).is_not(None))


def subscribers_at(session: Session, instant: datetime) -> int:
    """How many subscribers had confirmed and not left by then; erased ones are not counted."""
    not_left = or_(col(Subscriber.left_at).is_(None), col(Subscriber.left_at) >= instant)
    query = select(func.count()).select_from(Subscriber).where(col(Subscriber.confirmed_at) < instant, not_left)
    return session.exec(query).one()


def _by_day(
    session: Session, instant_column: Any, since: datetime, *conditions: ColumnElement[bool] | bool
) -> dict[date, int]:
    day = utc_day(session, instant_column)
    rows: Sequence[Any] = session.exec(
        select(day, func.count()).where(instant_column >= since, *conditions).group_by(day)
    ).all()
    return {date.fromisoformat(str(day_value)): int(count) for day_value, count in rows}
