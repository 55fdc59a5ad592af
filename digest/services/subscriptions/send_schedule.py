"""When a subscriber's next mail is due. Pure: local dates and wall-clock times in, slots out.

A time that summer time skips or repeats: `clock.local_instant`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from digest import clock
from digest.db.subscribers.shard_reads import AnySubscriber

DAILY, WEEKDAYS, WEEKLY = "daily", "weekdays", "weekly"
ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=4096)
def next_due(
    after: datetime, *, zone: ZoneInfo, send_at: time, cadence: str, weekday: int = 0, paused_until: date | None = None
) -> datetime:
    """The first slot later than `after` at which this schedule has a mail.

    A local time that DST skips means the first instant after the gap; a doubled one its first occurrence.
    `weekday` (0 is Monday) counts for the weekly cadence alone; `paused_until` is the first date with mail again.
    """
    start = after.astimezone(zone).date() - ONE_DAY  # the slot of a skipped evening may fall on the next date
    for day in _two_weeks_from(max(start, paused_until) if paused_until else start):
        slot = slot_on(day, zone=zone, send_at=send_at)
        if slot > after and has_mail_on(day, cadence=cadence, weekday=weekday):
            return slot
    raise AssertionError("unreachable: every schedule has a mail within two weeks")


def due_after(subscriber: AnySubscriber, after: datetime) -> datetime:
    """`next_due` for a subscriber's own settings."""
    return next_due(
        after,
        zone=clock.zone_info(subscriber.time_zone),
        send_at=subscriber.send_at,
        cadence=subscriber.cadence,
        weekday=subscriber.weekday,
        paused_until=subscriber.paused_until,
    )


def slot_on(day: date, *, zone: ZoneInfo, send_at: time) -> datetime:
    """The slot of one local date."""
    return clock.slot_of(clock.local_instant(day, send_at, zone))


def slot_before(subscriber: AnySubscriber, slot: datetime) -> datetime:
    """The slot of the last date before that slot's at which the schedule had a mail."""
    zone = clock.zone_info(subscriber.time_zone)
    day = day_of(slot, zone=zone, send_at=subscriber.send_at) - ONE_DAY
    while not has_mail_on(day, cadence=subscriber.cadence, weekday=subscriber.weekday):
        day -= ONE_DAY
    return slot_on(day, zone=zone, send_at=subscriber.send_at)


@lru_cache(maxsize=4096)
def day_of(slot: datetime, *, zone: ZoneInfo, send_at: time) -> date:
    """The local date that a slot stands for: the inverse of `slot_on`, else the local date."""
    today = slot.astimezone(zone).date()
    skipped = today - ONE_DAY
    return skipped if slot_on(skipped, zone=zone, send_at=send_at) == slot else today


def has_mail_on(day: date, *, cadence: str, weekday: int = 0, paused_until: date | None = None) -> bool:
    """True where this cadence has a mail on that date."""
    if paused_until is not None and day < paused_until:
        return False
    if cadence == WEEKLY:
        return day.weekday() == weekday
    return cadence != WEEKDAYS or day.weekday() < 5


def is_paused(subscriber: AnySubscriber, now: datetime) -> bool:
    """True before the first date with mail again. A pause that is over stays stored, and is none any more."""
    today = now.astimezone(clock.zone_info(subscriber.time_zone)).date()
    return subscriber.paused_until is not None and today < subscriber.paused_until


def is_first_after_pause(subscriber: AnySubscriber, day: date) -> bool:
    """True where that is the first date with mail after a pause."""
    pause_end = subscriber.paused_until
    if pause_end is None or day < pause_end:
        return False
    earlier_days = (pause_end + n * ONE_DAY for n in range(min((day - pause_end).days, 14)))
    return not any(
        has_mail_on(passed_day, cadence=subscriber.cadence, weekday=subscriber.weekday) for passed_day in earlier_days
    )


def _two_weeks_from(first: date) -> Iterator[date]:
    """Two weeks of dates: one more than the weekly cadence can need."""
    return (first + n * ONE_DAY for n in range(14))
