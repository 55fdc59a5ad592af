"""Stored editions of subscribers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Select, delete, func, select
from sqlmodel import Session, SQLModel, col

from digest.db.core.dialect import in_values
from digest.models import Edition
from digest.models.delivery import WELCOME


def editions_of_subscriber(session: Session, subscriber_id: int) -> list[Edition]:
    """A subscriber's editions that were not cancelled."""
    return list(session.execute(_editions_not_cancelled(subscriber_id)).scalars())


def all_editions_of_subscriber(session: Session, subscriber_id: int) -> list[Edition]:
    """A subscriber's editions, also cancelled ones, by day."""
    statement = select(Edition).where(col(Edition.subscriber_id) == subscriber_id).order_by(col(Edition.day))
    return list(session.execute(statement).scalars())


def newest_editions(session: Session, subscriber_id: int, limit: int) -> list[Edition]:
    """A subscriber's newest editions that were not cancelled, at most `limit`, newest first."""
    statement = _editions_not_cancelled(subscriber_id).order_by(col(Edition.day).desc()).limit(limit)
    return list(session.execute(statement).scalars())


def editions_between(session: Session, subscriber_id: int, first_day: date, last_day: date) -> list[Edition]:
    """A subscriber's editions of these days, both included, that were not cancelled, by day."""
    statement = _editions_not_cancelled(subscriber_id).where(col(Edition.day).between(first_day, last_day))
    return list(session.execute(statement.order_by(col(Edition.day))).scalars())


def _editions_not_cancelled(subscriber_id: int) -> Select[Edition]:
    return select(Edition).where(col(Edition.subscriber_id) == subscriber_id, col(Edition.cancelled).is_(False))


def edition_of_subscriber(session: Session, subscriber_id: int, day: date | None) -> Edition | None:
    """A subscriber's edition of that day, or the newest one."""
    statement = (
        select(Edition).where(col(Edition.subscriber_id) == subscriber_id).order_by(col(Edition.day).desc()).limit(1)
    )
    if day is not None:
        statement = statement.where(col(Edition.day) == day)
    return session.execute(statement).scalar_one_or_none()


def edition_dates(session: Session, subscriber_ids: Iterable[int], days: Iterable[date]) -> set[tuple[int, date]]:
    """(subscriber, day) pairs that have an edition."""
    edition = SQLModel.metadata.tables["edition"].c
    statement = select(edition.subscriber_id, edition.day).where(
        in_values(session, edition.subscriber_id, list(subscriber_ids)), edition.day.in_(list(days))
    )
    return {(int(subscriber_id), day) for subscriber_id, day in session.execute(statement)}


def subscribers_with_editions(session: Session, subscriber_ids: Iterable[int]) -> set[int]:
    """Those of these subscribers who have an edition that was not cancelled."""
    their_editions = (
        in_values(session, col(Edition.subscriber_id), list(subscriber_ids)),
        col(Edition.cancelled).is_(False),
    )
    with_edition = select(col(Edition.subscriber_id)).where(*their_editions).distinct()
    return {int(subscriber_id) for subscriber_id in session.execute(with_edition).scalars()}


def newest_edition_id(session: Session) -> int:
    """The largest id of an edition; 0 where there is none."""
    return int(session.execute(select(func.coalesce(func.max(col(Edition.id)), 0))).scalar_one())


def papers_of_first_editions(session: Session, *, after_id: int) -> int:
    """The number of papers in the welcome editions that were stored after the edition with that id."""
    statement = select(func.coalesce(func.sum(col(Edition.papers)), 0)).where(
        col(Edition.id) > after_id, col(Edition.kind) == WELCOME
    )
    return int(session.execute(statement).scalar_one())


def delete_editions(session: Session, subscriber_id: int) -> None:
    """Delete a subscriber's editions."""
    session.execute(delete(Edition).where(col(Edition.subscriber_id) == subscriber_id))
