"""The next slot: always ahead, always a slot, and on a local date that the subscriber chose."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from digest import clock
from digest.services.subscriptions.send_schedule import DAILY, WEEKDAYS, WEEKLY, day_of, has_mail_on, next_due, slot_on

BERLIN = ZoneInfo("Europe/Berlin")
SEVEN = time(7, 0)
FRIDAY = datetime(2025, 11, 21, 9, 7, tzinfo=UTC)

instants = st.integers(1_704_067_200, 1_893_456_000).map(lambda second: datetime.fromtimestamp(second, UTC))
quarters = st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30, 45)))
zones = st.sampled_from(
    ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Nuuk", "Asia/Beirut",
     "Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Cairo", "Pacific/Chatham")
).map(ZoneInfo)  # fmt: skip
cadences = st.sampled_from((DAILY, WEEKDAYS, WEEKLY))


def test_the_next_daily_mail_is_tomorrow_morning() -> None:
    assert next_due(FRIDAY, zone=BERLIN, send_at=SEVEN, cadence=DAILY) == datetime(2025, 11, 22, 6, 0, tzinfo=UTC)


def test_a_time_still_ahead_today_is_today() -> None:
    slot = next_due(FRIDAY, zone=BERLIN, send_at=time(18, 30), cadence=DAILY)

    assert slot == datetime(2025, 11, 21, 17, 30, tzinfo=UTC)


def test_weekdays_leave_the_weekend_out() -> None:
    slot = next_due(FRIDAY, zone=BERLIN, send_at=SEVEN, cadence=WEEKDAYS)

    assert slot == datetime(2025, 11, 24, 6, 0, tzinfo=UTC)


def test_a_weekly_mail_comes_on_its_day() -> None:
    slot = next_due(FRIDAY, zone=BERLIN, send_at=SEVEN, cadence=WEEKLY, weekday=2)

    assert slot == datetime(2025, 11, 26, 6, 0, tzinfo=UTC)


def test_a_weekly_mail_whose_hour_is_over_comes_in_a_week() -> None:
    slot = next_due(FRIDAY, zone=BERLIN, send_at=SEVEN, cadence=WEEKLY, weekday=4)

    assert slot == datetime(2025, 11, 28, 6, 0, tzinfo=UTC)


def test_a_pause_ends_on_its_date() -> None:
    slot = next_due(FRIDAY, zone=BERLIN, send_at=SEVEN, cadence=DAILY, paused_until=date(2025, 12, 24))

    assert slot == datetime(2025, 12, 24, 6, 0, tzinfo=UTC)


def test_a_skipped_time_is_due_when_the_gap_ends() -> None:
    before = datetime(2025, 3, 29, 12, 0, tzinfo=UTC)
    slot = next_due(before, zone=BERLIN, send_at=time(2, 30), cadence=DAILY)

    assert slot == datetime(2025, 3, 30, 1, 0, tzinfo=UTC)


def test_a_doubled_time_is_due_once() -> None:
    first = next_due(datetime(2025, 10, 25, 12, 0, tzinfo=UTC), zone=BERLIN, send_at=time(2, 30), cadence=DAILY)
    second = next_due(first, zone=BERLIN, send_at=time(2, 30), cadence=DAILY)

    assert (first, second) == (
        datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
        datetime(2025, 10, 27, 1, 30, tzinfo=UTC),
    )


def test_an_evening_skipped_before_midnight_still_has_its_mail() -> None:
    nuuk = ZoneInfo("America/Nuuk")
    slot = next_due(datetime(2025, 3, 29, 12, 0, tzinfo=UTC), zone=nuuk, send_at=time(23, 15), cadence=DAILY)

    assert slot == datetime(2025, 3, 30, 1, 0, tzinfo=UTC)
    assert day_of(slot, zone=nuuk, send_at=time(23, 15)) == date(2025, 3, 29)


@given(after=instants, zone=zones, send_at=quarters, cadence=cadences, weekday=st.integers(0, 6))
def test_the_next_slot_is_ahead_and_is_a_slot(
    after: datetime, zone: ZoneInfo, send_at: time, cadence: str, weekday: int
) -> None:
    slot = next_due(after, zone=zone, send_at=send_at, cadence=cadence, weekday=weekday)

    assert slot > after
    assert slot == clock.slot_of(slot)


@given(
    after=instants,
    zone=zones,
    send_at=quarters,
    cadence=cadences,
    weekday=st.integers(0, 6),
    pause=st.none() | st.dates(min_value=date(2024, 1, 1), max_value=date(2031, 1, 1)),
)
def test_the_next_slot_is_the_first_on_a_date_that_is_wanted(
    after: datetime, zone: ZoneInfo, send_at: time, cadence: str, weekday: int, pause: date | None
) -> None:
    slot = next_due(after, zone=zone, send_at=send_at, cadence=cadence, weekday=weekday, paused_until=pause)
    start = max(after.astimezone(zone).date() - timedelta(days=2), pause or date.min)
    slots = (
        slot_on(day, zone=zone, send_at=send_at)
        for day in (start + timedelta(days=n) for n in range(20))
        if has_mail_on(day, cadence=cadence, weekday=weekday, paused_until=pause)
    )

    assert slot == next(slot for slot in slots if slot > after)


@given(day=st.dates(min_value=date(2024, 1, 1), max_value=date(2030, 1, 1)), zone=zones, send_at=quarters)
def test_a_slot_stands_for_the_date_it_was_made_for(day: date, zone: ZoneInfo, send_at: time) -> None:
    assert day_of(slot_on(day, zone=zone, send_at=send_at), zone=zone, send_at=send_at) == day


@given(after=instants, zone=zones, send_at=quarters)
def test_a_daily_schedule_has_one_slot_a_date(after: datetime, zone: ZoneInfo, send_at: time) -> None:
    dates = []
    for _ in range(10):
        after = next_due(after, zone=zone, send_at=send_at, cadence=DAILY)
        dates.append(day_of(after, zone=zone, send_at=send_at))

    assert [later - earlier for earlier, later in pairwise(dates)] == [timedelta(days=1)] * 9
