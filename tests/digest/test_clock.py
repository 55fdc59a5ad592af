"""Time: local wall clocks to instants, and instants to slots."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import clock
from digest.errors import BadInput

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Nuuk",
    "Asia/Beirut",
)
quarters = st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30, 45)))


def first_showing(day: date, wall_time: time, where: ZoneInfo) -> datetime:
    """By looking: the first minute whose wall clock shows that time or later, on that date or later."""
    earliest = datetime.combine(day, wall_time)
    start = datetime.combine(day, time(0), tzinfo=UTC) - timedelta(days=1)
    minutes = (start + timedelta(minutes=n) for n in range(3 * 24 * 60))
    return next(instant for instant in minutes if instant.astimezone(where).replace(tzinfo=None) >= earliest)


def test_an_ordinary_morning_is_the_zones_offset_away() -> None:
    instant = clock.local_instant(date(2025, 11, 21), time(7, 0), ZoneInfo("Europe/Berlin"))

    assert instant == datetime(2025, 11, 21, 6, 0, tzinfo=UTC)


def test_a_skipped_time_means_the_first_instant_after_the_gap() -> None:
    instant = clock.local_instant(date(2025, 3, 30), time(2, 30), ZoneInfo("Europe/Berlin"))

    assert instant == datetime(2025, 3, 30, 1, 0, tzinfo=UTC)


def test_a_doubled_time_means_its_first_occurrence() -> None:
    instant = clock.local_instant(date(2025, 10, 26), time(2, 30), ZoneInfo("Europe/Berlin"))

    assert instant == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)


def test_a_gap_of_half_an_hour_is_left_at_its_end() -> None:
    instant = clock.local_instant(date(2025, 10, 5), time(2, 15), ZoneInfo("Australia/Lord_Howe"))

    assert instant == datetime(2025, 10, 4, 15, 30, tzinfo=UTC)


def test_a_gap_before_midnight_ends_on_the_next_date() -> None:
    nuuk = ZoneInfo("America/Nuuk")
    instant = clock.local_instant(date(2025, 3, 29), time(23, 15), nuuk)

    assert instant.astimezone(nuuk) == datetime(2025, 3, 30, 0, 0, tzinfo=nuuk)


@given(day=st.dates(min_value=date(2025, 3, 1), max_value=date(2025, 11, 30)), at=quarters, name=st.sampled_from(ZONES))
def test_a_local_time_is_the_first_minute_at_which_a_wall_clock_has_reached_it(day: date, at: time, name: str) -> None:
    where = ZoneInfo(name)

    assert clock.local_instant(day, at, where) == first_showing(day, at, where)


@given(instant=st.integers(1_577_836_800, 2_208_988_800).map(lambda second: datetime.fromtimestamp(second, UTC)))
def test_a_slot_is_the_quarter_of_an_hour_that_holds_the_instant(instant: datetime) -> None:
    slot = clock.slot_of(instant)

    assert (slot.minute % 15, slot.second, slot.microsecond) == (0, 0, 0)
    assert timedelta(0) <= instant - slot < clock.SLOT


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe/Berlin\n", "x" * 5000, "\0"])
def test_a_zone_that_does_not_exist_is_refused_by_name(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        clock.zone_info(name)

    assert refused.value.field == "time_zone"


@pytest.mark.parametrize(
    "name",
    ["localtime", "posixrules", "Factory", "right/Europe/Berlin", "posix/UTC", "/etc/localtime", "../UTC", "tzdata.zi",
     "Europe", "Europe/Berlin/", "", " ", "\x00", "x" * 61, "CEST", 7, None],
)  # fmt: skip
def test_a_name_that_is_no_place_s_time_zone_is_refused(name: object) -> None:
    with pytest.raises(BadInput) as refused:
        clock.parse_time_zone(name)

    assert refused.value.field == "time_zone"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Berlin", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"), ("New York", "America/New_York"),
     ("Europe/Brelin", "Europe/Berlin"), ("utc", "UTC"), ("right/Europe/Paris", "Europe/Paris"),
     ("asia/kolkatta", "Asia/Kolkata")],
)  # fmt: skip
def test_a_misspelt_time_zone_is_refused_with_the_one_that_was_meant(typed: str, meant: str) -> None:
    with pytest.raises(BadInput, match=f"did you mean {meant}"):
        clock.parse_time_zone(typed)


def test_an_offset_is_no_time_zone_and_its_opposite_is_not_suggested() -> None:
    with pytest.raises(BadInput, match="such as Europe/Berlin"):
        clock.parse_time_zone("GMT+2")


def test_every_time_zone_that_is_offered_is_accepted() -> None:
    assert {clock.parse_time_zone(name) for name in clock.time_zones()} == clock.time_zones()
    assert {"UTC", "Europe/Berlin", "Asia/Kolkata"} <= clock.time_zones()
