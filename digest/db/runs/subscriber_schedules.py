"""Subscribers of slots and of dates: counted by schedule in SQL, or their ids, without an object for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, func, select
from sqlmodel import Session, SQLModel

from digest.models.subscriber import ACTIVE

_SUBSCRIBERS_PER_PAGE = 20_000
_ZONE_SPREAD = timedelta(days=2)  # a local date is at most so far from the date in UTC
_SUBSCRIBER = SQLModel.metadata.tables["subscriber"].c
_EDITION = SQLModel.metadata.tables["edition"].c
_SCHEDULE = (
    *(_SUBSCRIBER.time_zone, _SUBSCRIBER.send_at, _SUBSCRIBER.cadence, _SUBSCRIBER.weekday),
    _SUBSCRIBER.paused_until,
)


class SendSchedule(NamedTuple):
    """When subscribers get mail; many share one."""

    time_zone: str
    send_at: time
    cadence: str
    weekday: int
    paused_until: date | None


class DueCount(NamedTuple):
    """How many subscribers with this local send time are due at a slot. `edition_day`: of an edition that they have."""

    slot: datetime
    time_zone: str
    send_at: time
    edition_day: date | None
    subscribers: int


def count_due(session: Session, now: datetime, *, only_id: int | None = None) -> list[DueCount]:
    """All active subscribers who are due up to now, whether they have an edition of their slot's date or not."""
    groups = (_SUBSCRIBER.next_due_at, _SUBSCRIBER.time_zone, _SUBSCRIBER.send_at)
    statement = select(*groups, func.count()).where(*_is_due(now, only_id)).group_by(*groups)
    return [
        DueCount(slot, time_zone, send_at, None, int(number))
        for slot, time_zone, send_at, number in session.execute(statement)
    ]


def count_due_with_editions(
    session: Session, first_slot: datetime, now: datetime, *, only_id: int | None = None
) -> list[DueCount]:
    """Those of the subscribers due up to now who have an edition of a date near their slot, once for each such date.

    `first_slot`: the earliest slot.
    """
    groups = (_SUBSCRIBER.next_due_at, _SUBSCRIBER.time_zone, _SUBSCRIBER.send_at, _EDITION.day)
    days = _EDITION.day.between((first_slot - _ZONE_SPREAD).date(), (now + _ZONE_SPREAD).date())
    statement = (
        select(*groups, func.count())
        .where(*_is_due(now, only_id), _EDITION.subscriber_id == _SUBSCRIBER.id, days)
        .group_by(*groups)
    )
    return [
        DueCount(slot, time_zone, send_at, day, int(number))
        for slot, time_zone, send_at, day, number in session.execute(statement)
    ]


def _is_due(now: datetime, only_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return (_SUBSCRIBER.state == ACTIVE, _SUBSCRIBER.next_due_at <= now, *_has_id(only_id))


def count_without_edition(session: Session, day: date, *, only_id: int | None = None) -> list[tuple[SendSchedule, int]]:
    """How many active subscribers have no edition of that date, by schedule."""
    statement = select(*_SCHEDULE, func.count()).where(*_has_no_edition(day, only_id)).group_by(*_SCHEDULE)
    return [(_schedule(row), int(row[-1])) for row in session.execute(statement)]


def ids_without_edition(
    session: Session, day: date, *, only_id: int | None = None
) -> Iterator[tuple[int, SendSchedule]]:
    """The active subscribers without an edition of that date, by id, each with the schedule."""
    statement = select(*_SCHEDULE, _SUBSCRIBER.id).where(*_has_no_edition(day, only_id)).order_by(_SUBSCRIBER.id)
    last_id = 0
    while page := session.execute(statement.where(_SUBSCRIBER.id > last_id).limit(_SUBSCRIBERS_PER_PAGE)).all():
        last_id = int(page[-1][-1])
        for row in page:
            yield int(row[-1]), _schedule(row)


def _has_no_edition(day: date, only_id: int | None) -> tuple[ColumnElement[bool], ...]:
    edition_of_day = select(_EDITION.id).where(_EDITION.subscriber_id == _SUBSCRIBER.id, _EDITION.day == day)
    return (_SUBSCRIBER.state == ACTIVE, ~edition_of_day.exists(), *_has_id(only_id))


def _has_id(subscriber_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return () if subscriber_id is None else (_SUBSCRIBER.id == subscriber_id,)


def _schedule(row: Row[Any]) -> SendSchedule:
    return SendSchedule._make(row[: len(_SCHEDULE)])
