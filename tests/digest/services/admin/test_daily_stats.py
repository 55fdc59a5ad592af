"""The administrator's plots: each event on its day in UTC, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from digest.db.core import engine
from digest.models import Bounce, Delivery, Subscriber
from digest.services.admin import daily_stats
from digest.services.admin.daily_stats import DayFigures

NOW = datetime(2025, 11, 21, 23, 30, tzinfo=UTC)
TODAY = NOW.date()


def subscriber_row(number: int, joined: datetime | None, left_at: datetime | None = None) -> Subscriber:
    address = f"r{number}@one.example"
    return Subscriber(address=address, address_key=address, created_at=NOW, confirmed_at=joined, left_at=left_at)


def ago(days: int, hours: int = 0) -> datetime:
    return NOW - timedelta(days=days, hours=hours)


@pytest.fixture(autouse=True)
def _database(database: str) -> None:
    """A fresh one, of both kinds."""


def test_subscribers_are_counted_at_the_end_of_each_day() -> None:
    with engine.transaction() as session:
        session.add_all(
            [
                subscriber_row(1, ago(40)),
                subscriber_row(2, ago(40), ago(1)),
                subscriber_row(3, ago(1)),
                subscriber_row(4, ago(0)),
                subscriber_row(5, None),
            ]
        )
    statistics = daily_stats.days(now=NOW, count=3)

    assert [(day.date, day.subscribers, day.joined, day.unsubscribed) for day in statistics] == [
        (date(2025, 11, 19), 2, 0, 0),
        (date(2025, 11, 20), 2, 1, 1),
        (date(2025, 11, 21), 3, 1, 0),
    ]


def test_the_last_day_ends_with_the_subscribers_of_now() -> None:
    with engine.transaction() as session:
        session.add_all([subscriber_row(n, ago(n), ago(n - 1) if n % 3 == 0 else None) for n in range(1, 30)])

    assert daily_stats.days(now=NOW)[-1].subscribers == sum(n % 3 != 0 for n in range(1, 30))


def test_mails_and_bounces_stand_on_their_utc_day() -> None:
    just_before_midnight, just_after = ago(1, 0), ago(0, 23)
    with engine.transaction() as session:
        for number, (state, sent_at) in enumerate(
            (("sent", just_before_midnight), ("sent", just_after), ("queued", NOW))
        ):
            session.add(
                Delivery(
                    kind="digest",
                    subject_id=number,
                    address="",
                    domain="",
                    state=state,
                    created_at=sent_at,
                    tried_at=sent_at,
                )
            )
        session.add(Bounce(report_key="r", address_key="x@one.example", kind="soft", at=just_after))
    statistics = daily_stats.days(now=NOW, count=2)

    assert [(day.sent, day.bounces) for day in statistics] == [(1, 0), (1, 1)]


def test_a_young_service_has_days_of_nothing() -> None:
    assert daily_stats.days(now=NOW, count=2) == [
        DayFigures(TODAY - timedelta(days=1), 0, 0, 0, 0, 0),
        DayFigures(TODAY, 0, 0, 0, 0, 0),
    ]
