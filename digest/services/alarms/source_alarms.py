"""Alarms about sources that are late, stale or down, at most one a day for each, and a mail when it has recovered.

Only sources that the scheduler fetches are checked. A source that is late because it was not fetched (the service was
off) gets some minutes, because the scheduler fetches it as soon as it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from digest.db.subscribers import subscribers
from digest.services.alarms import alarm_rules
from digest.services.ingestion import source_status
from digest.services.ingestion.source_status import SourceStatus
from digest.sources import registry
from digest.sources.source import DOWN, LATE, STALE

TROUBLE = frozenset({LATE, STALE, DOWN})
ALL_WELL = frozenset({source_status.ON_TIME, source_status.QUIET})
NOT_FETCHED = timedelta(minutes=10)
_OPEN, _UNASKED = (
    "source-alarm",
    "source-unasked",
)  # kinds of attempts: alarms of sources that have not recovered, and since when a source is not fetched
_FORGET = timedelta(days=7)


def current_statuses(now: datetime) -> list[tuple[SourceStatus, bool]]:
    """The sources that the scheduler fetches, each with whether it is late only because it was not fetched."""
    due = source_status.due_sources(now)
    enabled = {source.name for source in registry.enabled_sources()}
    wanted = [one for one in source_status.source_statuses(now) if one.source in enabled]
    return [(one, one.state == LATE and one.source in due) for one in wanted]


def check_sources(session: Session, statuses: Sequence[tuple[SourceStatus, bool]], *, now: datetime) -> int:
    """Raise alarms for new problems and recoveries of these sources. Returns the number of alarms."""
    return sum([_look(session, one, unasked, now=now) for one, unasked in statuses])


def _look(session: Session, one: SourceStatus, unasked: bool, *, now: datetime) -> bool:
    if not unasked:
        subscribers.delete_attempts(session, _UNASKED, one.source)
    elif not _for_long(session, one.source, now=now):
        return False
    if one.state in TROUBLE:
        return _sound(session, one, now=now)
    opened = subscribers.attempts(session, _OPEN, one.source, since=now - _FORGET)
    if one.state not in ALL_WELL or not opened:
        return False
    subscribers.delete_attempts(session, _OPEN, one.source)
    facts = (
        f"The last alarm about it was raised at {opened[-1]:%Y-%m-%d %H:%M} UTC.",
        "Papers that came late are new in the next mails.",
    )
    subject = f"source-over:{one.source}:{opened[-1].isoformat()}"
    return alarm_rules.raise_alarm(session, subject, f"{one.source} is {one.state} again", facts, now=now)


def _for_long(session: Session, source: str, *, now: datetime) -> bool:
    """True where the source has not been fetched for `MAX_NOT_FETCHED`; the first check records the time."""
    since = subscribers.attempts(session, _UNASKED, source, since=now - _FORGET)
    if not since:
        subscribers.record_attempt(session, _UNASKED, source, now=now, forget_before=now - _FORGET)
    return bool(since) and now - since[0] >= NOT_FETCHED


def _sound(session: Session, one: SourceStatus, *, now: datetime) -> bool:
    facts = [f"{one.source} is {one.state}{f': {one.detail}' if one.detail else '.'}"]
    if one.attempted_at is not None:
        facts.append(f"The last attempt was at {one.attempted_at:%Y-%m-%d %H:%M} UTC; it is retried automatically.")
    if one.complete_through is not None:
        facts.append(f"arXiv's announcements are complete through {one.complete_through}.")
    facts.append(f"`digest doctor` shows every source; `digest ingest {registry.gap_filler()}` fills gaps now.")
    if not alarm_rules.raise_alarm(session, f"source:{one.source}", f"{one.source} is {one.state}", facts, now=now):
        return False
    subscribers.record_attempt(session, _OPEN, one.source, now=now, forget_before=now - _FORGET)
    return True
