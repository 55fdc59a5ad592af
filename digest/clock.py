"""Time. Instants are aware and in UTC; local times live only at the edge, and a slot is a UTC quarter of an hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from digest.errors import N_, BadInput

SLOT = timedelta(minutes=15)
ARXIV_ZONE = ZoneInfo("America/New_York")


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def zone(name: str) -> ZoneInfo:
    """The time zone of that IANA name. Raises BadInput."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = N_("time zone %(name)s is unknown; use an IANA name such as Europe/Berlin")
        raise BadInput(message, field="time_zone", name=repr(name[:60])) from error


def local_instant(day: date, at: time, where: ZoneInfo) -> datetime:
    """The instant of a wall-clock time on a local date, in UTC.

    A time skipped by DST means the first instant after the gap; a doubled one means its first occurrence.
    """
    wall = datetime.combine(day, at, tzinfo=where)  # fold=0: the first of two
    instant = wall.astimezone(UTC)
    if instant.astimezone(where).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return instant
    return _end_of_gap(wall, where)


def _end_of_gap(wall: datetime, where: ZoneInfo) -> datetime:
    """The first instant after the gap that swallows `wall`: before it the old offset holds, after it the new one."""
    old = wall.replace(fold=0).utcoffset() or timedelta()
    new = wall.replace(fold=1).utcoffset() or timedelta()
    naive = wall.replace(tzinfo=None)
    low, high = (naive - new).replace(tzinfo=UTC), (naive - old).replace(tzinfo=UTC)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if middle.astimezone(where).utcoffset() == new else (middle, high)
    return high.replace(microsecond=0)


def slot_of(instant: datetime) -> datetime:
    """The slot that an instant falls in: its UTC quarter of an hour, rounded down."""
    utc = instant.astimezone(UTC)
    return utc.replace(minute=utc.minute - utc.minute % 15, second=0, microsecond=0)


def announcement_instant(day: date) -> datetime:
    """When arXiv's feeds of that date appear: midnight in New York, in UTC (SOURCES: RSS)."""
    return local_instant(day, time(0), ARXIV_ZONE)
