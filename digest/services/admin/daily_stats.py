"""Subscribers, deliveries and bounces of the last two weeks by day, for the plots of the admin pages. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from digest import clock
from digest.db.core import engine
from digest.db.reporting import daily_history as store

DEFAULT_DAYS = 14


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One UTC date. `subscribers`: active ones at its end; the other numbers count events of the day."""

    date: date
    subscribers: int
    joined: int
    unsubscribed: int
    sent: int
    bounces: int


def days(*, now: datetime | None = None, count: int = DEFAULT_DAYS) -> Sequence[DayFigures]:
    """The last days up to today, oldest first. Erased subscribers are in none of them."""
    today = (now or clock.now()).astimezone(UTC).date()
    dates = [today - timedelta(days=n) for n in reversed(range(count))]
    since = datetime.combine(dates[0], time(0), UTC)
    with engine.reading() as session:
        subscriber_count = store.subscribers_at(session, since)
        joined, unsubscribed = store.joined_by_day(session, since), store.left_by_day(session, since)
        sent, bounces = store.sent_by_day(session, since), store.bounces_by_day(session, since)
    history = []
    for day in dates:
        subscriber_count += joined.get(day, 0) - unsubscribed.get(day, 0)
        history.append(
            DayFigures(
                day,
                subscriber_count,
                joined.get(day, 0),
                unsubscribed.get(day, 0),
                sent.get(day, 0),
                bounces.get(day, 0),
            )
        )
    return history
