"""arXiv's announcement calendar. Pure: every function takes its date or instant.

arXiv mails at 20:00 in New York, Sunday to Thursday. The mailing has the papers submitted until 14:00 that day (for
Sunday's mailing: until Friday 14:00). An announcement is named by the date of its feeds, which appear at the following
midnight: the mailing of Sunday evening is Monday's announcement.
`closed`: evenings without a mailing beyond the yearly holidays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from digest.clock import ARXIV_ZONE, local_instant
from digest.sources import arxiv_holidays

MAILING_TIME, CUT_OFF_TIME, HARVEST_TIME = time(20, 0), time(14, 0), time(22, 30)
A_DAY = timedelta(days=1)
_SUNDAY = 6
_NO_MAIL = {4, 5}  # Friday and Saturday evening
_MAX_BREAK_DAYS = 30

ClosedEvenings = frozenset[date]
NO_CLOSED_EVENINGS: ClosedEvenings = frozenset()


def announces(day: date, closed: ClosedEvenings = NO_CLOSED_EVENINGS) -> bool:
    """True where the calendar has an announcement on that date."""
    evening = day - A_DAY
    return (
        evening.weekday() not in _NO_MAIL
        and evening not in arxiv_holidays.closed(evening.year)
        and evening not in closed
    )


def mailed_at(day: date) -> datetime:
    """When the announcement of that date is mailed, in UTC."""
    return local_instant(day - A_DAY, MAILING_TIME, ARXIV_ZONE)


def feed_at(day: date) -> datetime:
    """When its feeds appear: midnight in New York, in UTC."""
    return local_instant(day, time(0), ARXIV_ZONE)


def harvest_at(day: date) -> datetime:
    """When OAI-PMH has it: 22:30 in New York on the evening of the mailing, in UTC."""
    return local_instant(day - A_DAY, HARVEST_TIME, ARXIV_ZONE)


def current(day: date, closed: ClosedEvenings = NO_CLOSED_EVENINGS) -> date:
    """The newest announcement not after that date."""
    return next(d for d in _backwards(day) if announces(d, closed))


def previous(day: date, closed: ClosedEvenings = NO_CLOSED_EVENINGS) -> date:
    """The announcement before that date."""
    return current(day - A_DAY, closed)


def following(day: date, closed: ClosedEvenings = NO_CLOSED_EVENINGS) -> date:
    """The next announcement after that date."""
    return next(d for d in (day + n * A_DAY for n in range(1, _MAX_BREAK_DAYS)) if announces(d, closed))


def between(first: date, last: date, closed: ClosedEvenings = NO_CLOSED_EVENINGS) -> list[date]:
    """The announcements from `first` to `last`, both included."""
    days = (last - first).days
    return [day for n in range(days + 1) if announces(day := first + n * A_DAY, closed)]


def announced_at(instant: datetime, closed: ClosedEvenings = NO_CLOSED_EVENINGS) -> date:
    """The announcement that an instant belongs to: the newest one mailed by then."""
    local = instant.astimezone(ARXIV_ZONE)
    day = local.date() + (A_DAY if local.time() >= MAILING_TIME else timedelta())
    return current(day, closed)


def feed_of(instant: datetime, closed: ClosedEvenings = NO_CLOSED_EVENINGS) -> date:
    """The announcement whose feeds should be on the server at that instant."""
    return current(instant.astimezone(ARXIV_ZONE).date(), closed)


def newest(instant: datetime, appears: Callable[[date], datetime], closed: ClosedEvenings = NO_CLOSED_EVENINGS) -> date:
    """The newest announcement whose time by `appears` (mailed_at, feed_at or harvest_at) has come."""
    day = current(instant.astimezone(ARXIV_ZONE).date() + A_DAY, closed)
    return day if appears(day) <= instant else previous(day, closed)


def submissions(day: date, closed: ClosedEvenings = NO_CLOSED_EVENINGS) -> tuple[datetime, datetime]:
    """The submission window of an announcement: cut-off to cut-off, in UTC."""
    return cut_off(previous(day, closed)), cut_off(day)


def cut_off(day: date) -> datetime:
    """The last submission instant for the announcement of that date, in UTC (Friday's for Sunday's mailing)."""
    evening = day - A_DAY
    return local_instant(evening - 2 * A_DAY if evening.weekday() == _SUNDAY else evening, CUT_OFF_TIME, ARXIV_ZONE)


def announcement_of_submission(submitted: datetime, closed: ClosedEvenings = NO_CLOSED_EVENINGS) -> date:
    """The announcement of a paper submitted at that instant, unless moderators hold it."""
    day = submitted.astimezone(UTC).date()
    while cut_off(day) <= submitted or not announces(day, closed):
        day += A_DAY
    return day


def _backwards(day: date) -> Iterator[date]:
    return (day - n * A_DAY for n in range(_MAX_BREAK_DAYS))
