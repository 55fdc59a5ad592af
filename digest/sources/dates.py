"""Dates that sources tell, as far as they can be a paper's. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime

FIRST, LAST = date(1900, 1, 1), date(2200, 1, 1)  # beyond these calendars overflow, and no source means what it says


def plausible(name: str, day: date) -> date:
    """The date itself. Raises ValueError naming the field where no paper can have it."""
    if not FIRST <= day < LAST:
        raise ValueError(f"{name}: {day} is not the date of a paper")
    return day


def day(name: str, text: str) -> date:
    """The date that an ISO date or instant begins with. Raises ValueError naming the field."""
    try:
        parsed = date.fromisoformat(text[:10])
    except ValueError as error:
        raise ValueError(f"{name}: {text[:40]!r} is not a date") from error
    return plausible(name, parsed)


def instant(name: str, text: str) -> datetime:
    """The instant of an ISO text, in UTC. Raises ValueError naming the field."""
    try:
        parsed = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name}: {text[:40]!r} is not an instant") from error
    plausible(name, parsed.date())
    return parsed
