"""Alarms about sources that are late, stale or down, at most one a day for each, and a mail when it has recovered.

Only sources that the scheduler fetches are checked. A source that is late because it was not fetched (the service was
off) gets some minutes, because the scheduler fetches it as soon as it runs. The limits stand in `source_status.py`.
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

TROUBLED_STATES = frozenset({LATE, STALE, DOWN})
HEALTHY_STATES = frozenset({source_status.ON_TIME, source_status.QUIET})
MAX_NOT_FETCHED = timedelta(minutes=10)
_OPEN_ALARM, _NOT_FETCHED = (
    "source-alarm",
    "source-unasked",
)  # kinds of attempts: alarms of sources that have not recovered, and since when a source is not fetched
_RETENTION = timedelta(days=7)


def current_statuses(now: datetime) -> list[tuple[SourceStatus, bool]]:
    """The sources that the scheduler fetches, each with whether it is late only because it was not fetched."""
    due = source_status.due_sources(now)
    enabled = {source.name for source in registry.enabled_sources()}
    statuses = [
        status
        for status in source_status.source_statuses(now)
        if status.source in enabled and status.state != source_status.PAUSED
    ]
    return [(status, status.state == LATE and status.source in due) for status in statuses]


def check_sources(session: Session, statuses: Sequence[tuple[SourceStatus, bool]], *, now: datetime) -> int:
    """Raise alarms for new problems and recoveries of these sources. Returns the number of alarms."""
    return sum([_check_source(session, status, not_fetched, now=now) for status, not_fetched in statuses])


def _check_source(session: Session, status: SourceStatus, not_fetched: bool, *, now: datetime) -> bool:
    if not not_fetched:
        subscribers.delete_attempts(session, _NOT_FETCHED, status.source)
    elif not _is_long_unfetched(session, status.source, now=now):
        return False
    if status.state in TROUBLED_STATES:
        return _raise_source_alarm(session, status, now=now)
    alarms = subscribers.attempts(session, _OPEN_ALARM, status.source, since=now - _RETENTION)
    if status.state not in HEALTHY_STATES or not alarms:
        return False
    subscribers.delete_attempts(session, _OPEN_ALARM, status.source)
    facts = (
        f"The last alarm about it was raised at {alarms[-1]:%Y-%m-%d %H:%M} UTC.",
        "Papers that came late are new in the next mails.",
    )
    subject = f"source-over:{status.source}:{alarms[-1].isoformat()}"
    return alarm_rules.raise_alarm(session, subject, f"{status.source} is {status.state} again", facts, now=now)


def _is_long_unfetched(session: Session, source: str, *, now: datetime) -> bool:
    """True where the source has not been fetched for `MAX_NOT_FETCHED`; the first check records the time."""
    since = subscribers.attempts(session, _NOT_FETCHED, source, since=now - _RETENTION)
    if not since:
        subscribers.record_attempt(session, _NOT_FETCHED, source, now=now, forget_before=now - _RETENTION)
    return bool(since) and now - since[0] >= MAX_NOT_FETCHED


def _raise_source_alarm(session: Session, status: SourceStatus, *, now: datetime) -> bool:
    facts = [f"{status.source} is {status.state}{f': {status.detail}' if status.detail else '.'}"]
    if status.attempted_at is not None:
        facts.append(f"The last attempt was at {status.attempted_at:%Y-%m-%d %H:%M} UTC; it is retried automatically.")
    if status.complete_through is not None:
        facts.append(f"arXiv's announcements are complete through {status.complete_through}.")
    facts.append(f"`digest doctor` shows every source; `digest ingest {status.source}` fetches it now.")
    if not alarm_rules.raise_alarm(
        session, f"source:{status.source}", f"{status.source} is {status.state}", facts, now=now
    ):
        return False
    subscribers.record_attempt(session, _OPEN_ALARM, status.source, now=now, forget_before=now - _RETENTION)
    return True
