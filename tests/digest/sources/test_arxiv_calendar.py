"""arXiv's calendar: mailing days, holidays, daylight saving."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.sources import arxiv_calendar

DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
INSTANTS = st.datetimes(timezones=st.just(UTC)).map(
    lambda at: at.replace(year=2020 + at.year % 15, day=min(at.day, 28))
)


@pytest.mark.parametrize(
    ("day", "announces"),
    [
        (date(2025, 9, 27), False),  # Saturday
        (date(2025, 9, 28), False),
        (date(2025, 9, 29), True),  # mailed on Sunday evening
        (date(2025, 10, 3), True),
        (date(2023, 6, 15), False),  # an ad-hoc deferral on Wednesday the 14th
        (date(2025, 11, 28), False),  # Thanksgiving evening
        (date(2025, 12, 26), False),
    ],
)
def test_announcements_are_dated_monday_to_friday_but_for_holidays(day: date, announces: bool) -> None:
    assert arxiv_calendar.announces(day) is announces


def test_a_closed_evening_has_no_announcement_the_day_after() -> None:
    closed = frozenset([date(2025, 9, 30)])

    assert not arxiv_calendar.announces(date(2025, 10, 1), closed)
    assert arxiv_calendar.following(date(2025, 9, 30), closed) == date(2025, 10, 2)


@pytest.mark.parametrize(
    ("day", "mailed", "feed"),
    [
        (date(2025, 10, 1), datetime(2025, 10, 1, 0, tzinfo=UTC), datetime(2025, 10, 1, 4, tzinfo=UTC)),
        (date(2025, 12, 3), datetime(2025, 12, 3, 1, tzinfo=UTC), datetime(2025, 12, 3, 5, tzinfo=UTC)),
        # clocks went back at 2:00 on Sunday 2 November: mailed in winter time, as the midnight after is
        (date(2025, 11, 3), datetime(2025, 11, 3, 1, tzinfo=UTC), datetime(2025, 11, 3, 5, tzinfo=UTC)),
        # and forward on Sunday 8 March
        (date(2026, 3, 9), datetime(2026, 3, 9, 0, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC)),
    ],
)
def test_times_follow_new_york_through_daylight_saving(day: date, mailed: datetime, feed: datetime) -> None:
    assert (arxiv_calendar.mailed_at(day), arxiv_calendar.feed_at(day)) == (mailed, feed)


def test_a_weekends_papers_are_announced_on_tuesday() -> None:
    saturday = datetime(2025, 9, 27, 12, tzinfo=UTC)

    assert arxiv_calendar.announcement_of_submission(saturday) == date(2025, 9, 30)


def test_thursdays_papers_after_the_cut_off_are_announced_on_monday() -> None:
    before, after = datetime(2025, 9, 25, 17, 59, tzinfo=UTC), datetime(2025, 9, 25, 18, 0, tzinfo=UTC)

    assert (arxiv_calendar.announcement_of_submission(before), arxiv_calendar.announcement_of_submission(after)) == (
        date(2025, 9, 26),
        date(2025, 9, 29),
    )


def test_between_mailing_and_mailing_the_announcement_is_the_same() -> None:
    friday_evening = datetime(2025, 10, 4, 1, tzinfo=UTC)

    assert arxiv_calendar.announced_at(friday_evening) == date(2025, 10, 3)
    assert arxiv_calendar.announced_at(datetime(2025, 10, 6, 0, tzinfo=UTC)) == date(2025, 10, 6)


@given(INSTANTS)
def test_a_paper_is_sent_in_within_the_window_of_its_announcement(instant: datetime) -> None:
    first, last = arxiv_calendar.submissions(arxiv_calendar.announcement_of_submission(instant))

    assert first <= instant < last


@given(DAYS)
def test_windows_join_without_gap_or_overlap(day: date) -> None:
    announcement_day = arxiv_calendar.current(day)

    assert (
        arxiv_calendar.submissions(arxiv_calendar.following(announcement_day))[0]
        == arxiv_calendar.submissions(announcement_day)[1]
    )
    assert arxiv_calendar.previous(arxiv_calendar.following(announcement_day)) == announcement_day


@given(INSTANTS)
def test_the_newest_feed_is_never_in_the_future(instant: datetime) -> None:
    day = arxiv_calendar.newest(instant, arxiv_calendar.feed_at)

    assert arxiv_calendar.feed_at(day) <= instant < arxiv_calendar.feed_at(arxiv_calendar.following(day))
    assert instant - arxiv_calendar.feed_at(day) < timedelta(days=8)
