"""Reads dates from sources and refuses implausible ones. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime

EARLIEST, LATEST = (
    date(1900, 1, 1),
    date(2200, 1, 1),
)  # outside this range date arithmetic may overflow, and the source is wrong


def require_plausible(name: str, day: date) -> date:
    """Return the date. Raises ValueError naming the field where it is no plausible publication date."""
    if not EARLIEST <= day < LATEST:
        raise ValueError(f"{name}: {day} is not the date of a paper")
    return day


def parse_date(name: str, text: str) -> date:
    """The date that an ISO date or instant begins with. Raises ValueError naming the field."""
    try:
        parsed = date.fromisoformat(text[:10])
    except ValueError as error:
        raise ValueError(f"{name}: {text[:40]!r} is not a date") from error
    return require_plausible(name, parsed)


def parse_instant(name: str, text: str) -> datetime:
    """The instant of an ISO text, in UTC. Raises ValueError naming the field."""
    try:
        parsed = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name}: {text[:40]!r} is not an instant") from error
    require_plausible(name, parsed.date())
    return parsed
