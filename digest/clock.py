"""Time. Instants are aware and in UTC; local times occur only at the edges. A slot is a quarter of an hour in UTC."""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from digest.errors import N_, BadInput

SLOT = timedelta(minutes=15)
ARXIV_ZONE = ZoneInfo("America/New_York")


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def zone_info(name: str) -> ZoneInfo:
    """The time zone with that IANA name. Raises BadInput."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = N_("time zone %(name)s is unknown; use an IANA name such as Europe/Berlin")
        raise BadInput(message, field="time_zone", name=repr(name[:60])) from error


# Files of a zone database that describe no place: `Factory` says "not set", the others depend on the machine.
_NON_PLACE_ZONES = frozenset({"Factory", "localtime", "posixrules"})
_EXCLUDED_PREFIXES = ("posix/", "right/")


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """The IANA names that a subscriber may use."""
    names = available_timezones() - _NON_PLACE_ZONES
    return frozenset(name for name in names if not name.startswith(_EXCLUDED_PREFIXES))


def parse_time_zone(value: object) -> str:
    """Validate an IANA name from outside; its spelling must be exact. Raises BadInput, with a suggestion if any."""
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 60:
        raise BadInput(N_("time zone: use an IANA name such as Europe/Berlin"), field="time_zone")
    name = value.strip()
    if name in time_zones():
        return name
    if suggestion := _similar_time_zone(name):
        message = N_("time zone %(name)s is unknown; did you mean %(suggestion)s?")
        raise BadInput(message, field="time_zone", name=repr(name), suggestion=suggestion)
    message = N_("time zone %(name)s is unknown; use an IANA name such as Europe/Berlin")
    raise BadInput(message, field="time_zone", name=repr(name))


def _similar_time_zone(name: str) -> str | None:
    """The IANA name that was probably meant: the same but for case, its last part alone, or a spelling mistake."""
    folded_name = name.casefold().replace(" ", "_")
    # `Etc/GMT+2` lies two hours *behind* Greenwich: nobody who types GMT+2 means it, so no Etc zone is suggested.
    zones = sorted(zone for zone in time_zones() if not zone.startswith("Etc/"))
    by_fold = {zone.casefold(): zone for zone in zones}
    by_city = {zone.rpartition("/")[2].casefold(): zone for zone in reversed(zones) if "/" in zone}
    for spellings in (by_fold, by_city):
        if folded_name in spellings:
            return spellings[folded_name]
    if len(folded_name) < 5 or not folded_name.replace("/", "").replace("_", "").isalpha():
        return None  # the nearest name to an abbreviation (CEST) or an offset (GMT+2) is an unrelated zone
    if folded_name in {item.casefold() for item in _NON_PLACE_ZONES}:
        return None
    for spellings in (by_fold, by_city):
        if close_matches := difflib.get_close_matches(folded_name, spellings, n=1, cutoff=0.8):
            return spellings[close_matches[0]]
    return None


def local_instant(day: date, wall_time: time, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time on a local date, in UTC.

    A time skipped by DST means the first instant after the gap; a doubled one means its first occurrence.
    """
    wall = datetime.combine(day, wall_time, tzinfo=zone)  # fold=0: the first of two
    instant = wall.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return instant
    return _end_of_gap(wall, zone)


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after the DST gap that contains `wall`, by bisection between the two offsets."""
    offset_before = wall.replace(fold=0).utcoffset() or timedelta()
    offset_after = wall.replace(fold=1).utcoffset() or timedelta()
    naive = wall.replace(tzinfo=None)
    low, high = (naive - offset_after).replace(tzinfo=UTC), (naive - offset_before).replace(tzinfo=UTC)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == offset_after else (middle, high)
    return high.replace(microsecond=0)


def slot_of(instant: datetime) -> datetime:
    """The slot of an instant: rounded down to a quarter of an hour in UTC."""
    utc = instant.astimezone(UTC)
    return utc.replace(minute=utc.minute - utc.minute % 15, second=0, microsecond=0)


def announcement_instant(day: date) -> datetime:
    """When arXiv's feeds of that date appear: midnight in New York, as an instant in UTC."""
    return local_instant(day, time(0), ARXIV_ZONE)
