"""Evenings from Sunday to Thursday without an arXiv mailing. Data.

arXiv publishes a list for each year. Years without a list here follow the holidays common to all lists; ad-hoc
deferrals go into the setting ARXIV_CLOSED. A wrong entry loses no paper: the feed is fetched every weekday, and the
calendar only decides whether one was due.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

PUBLISHED: dict[int, tuple[str, ...]] = {
    2023: ("01-16", "06-14", "06-19", "07-04", "09-04", "11-23", "12-25", "12-27"),
}

_MONDAY, _THURSDAY = 0, 3


@lru_cache(maxsize=64)
def closed(year: int) -> frozenset[date]:
    """The evenings of that year without a mailing, weekends aside."""
    if year in PUBLISHED:
        return frozenset(date.fromisoformat(f"{year}-{day}") for day in PUBLISHED[year])
    return frozenset(
        (
            date(year, 1, 1),
            _nth_weekday(year, 1, _MONDAY, 3),  # Martin Luther King Jr. Day
            date(year, 6, 19),  # Juneteenth
            date(year, 7, 4),  # Independence Day
            _nth_weekday(year, 9, _MONDAY, 1),  # Labor Day
            _nth_weekday(year, 11, _THURSDAY, 4),  # Thanksgiving
            date(year, 12, 25),
        )
    )


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """The first (`nth` is 1), second, … such weekday of a month."""
    first_day = date(year, month, 1)
    return first_day + timedelta(days=(weekday - first_day.weekday()) % 7 + 7 * (nth - 1))
