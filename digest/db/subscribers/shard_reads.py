"""Reads the subscribers of a shard without table objects; columns that many share are read once."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import and_, case, func, null, or_, select, type_coerce
from sqlmodel import Session, SQLModel

from digest.db.core.column_reads import read_column
from digest.models import Run, Shard, Subscriber
from digest.models.subscriber import ACTIVE
from digest.models.types import UTCDateTime


class SharedColumns(NamedTuple):
    """Columns of `Subscriber` that many subscribers of a run share.

    `created_at` and `confirmed_at` are real only for those who signed up, confirmed or ended a pause recently.
    """

    seen_through: int
    next_due_at: datetime | None
    quiet_day: str
    time_zone: str
    send_at: time
    cadence: str
    weekday: int
    paused_until: date | None
    confirmed_at: datetime | None
    created_at: datetime


class DueSubscriber(NamedTuple):
    """The columns of a subscriber that a run needs."""

    id: int
    profile_id: int | None
    shared: SharedColumns

    @property
    def seen_through(self) -> int:
        """The newest batch that a run considered."""
        return self.shared.seen_through

    @property
    def next_due_at(self) -> datetime | None:
        """The next slot."""
        return self.shared.next_due_at

    @property
    def quiet_day(self) -> str:
        """What is sent on a day without papers."""
        return self.shared.quiet_day

    @property
    def time_zone(self) -> str:
        """An IANA name."""
        return self.shared.time_zone

    @property
    def send_at(self) -> time:
        """The local time of day."""
        return self.shared.send_at

    @property
    def cadence(self) -> str:
        """On which days there is mail."""
        return self.shared.cadence

    @property
    def weekday(self) -> int:
        """The day of a weekly cadence."""
        return self.shared.weekday

    @property
    def paused_until(self) -> date | None:
        """The first date with mail again."""
        return self.shared.paused_until

    @property
    def confirmed_at(self) -> datetime | None:
        """When they confirmed their address."""
        return self.shared.confirmed_at

    @property
    def created_at(self) -> datetime:
        """When they signed up."""
        return self.shared.created_at


AnySubscriber = Subscriber | DueSubscriber
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = SQLModel.metadata.tables["subscriber"].c


def subscribers_of_shard(
    session: Session, run: Run, shard: Shard, *, recent_from: datetime, lock: bool = False
) -> list[DueSubscriber]:
    """Active subscribers in a shard's id range, without a day only those due at the run's slot.

    Who signed up or confirmed before `recent_from` and had no pause since shares a date of long ago.
    """
    is_settled = and_(
        func.coalesce(_COLUMNS.confirmed_at, _COLUMNS.created_at) <= recent_from,
        or_(_COLUMNS.paused_until.is_(None), _COLUMNS.paused_until < recent_from.date()),
    )
    conditions = [_COLUMNS.id.between(shard.first, shard.last), _COLUMNS.state == ACTIVE]
    if shard.day is None:
        conditions.append(_COLUMNS.next_due_at == run.slot)
    date_names = {"confirmed_at", "created_at"}
    shared_columns = [_COLUMNS[name] for name in SharedColumns._fields if name not in date_names]
    dates = [
        type_coerce(case((is_settled, null()), else_=_COLUMNS[name]), UTCDateTime()).label(name)
        for name in sorted(date_names)
    ]
    statement = (
        select(_COLUMNS.id, _COLUMNS.profile_id, *shared_columns, *dates).where(*conditions).order_by(_COLUMNS.id)
    )
    columns = (statement.with_for_update() if lock else statement).subquery().c
    grouping = [columns[name] for name in SharedColumns._fields]
    id_lists = [read_column(session, column) for column in (columns.id, func.coalesce(columns.profile_id, 0))]
    subscribers = []
    for *values, ids, profile_ids in session.execute(select(*grouping, *id_lists).group_by(*grouping)):
        shared = SharedColumns._make([*values[:-1], values[-1] or _LONG_AGO])
        subscribers += [
            DueSubscriber(subscriber_id, profile_id or None, shared)
            for subscriber_id, profile_id in zip(ids, profile_ids, strict=True)
        ]
    return sorted(subscribers, key=itemgetter(0))
