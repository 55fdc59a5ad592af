"""Alarms about sources that are late, stale or down, at most one a day for each, and a mail when it has recovered.

Sources that fail one after the other because of the same cause (this machine's network) share a mail: while a source
was not asked again since the first failure, the alarm waits for it, for some minutes.

Only sources that the scheduler fetches are checked. A source that is late because it was not fetched (the service was
off) gets some minutes, because the scheduler fetches it as soon as it runs. The limits stand in `source_status.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from digest.db.papers import feed_sources
from digest.db.subscribers import subscribers
from digest.services.alarms import alarm_rules
from digest.services.alarms.alarm_rules import AlarmProblem
from digest.services.ingestion import fetch_schedule, source_status
from digest.services.ingestion.source_status import SourceStatus
from digest.sources import registry
from digest.sources.source import DOWN, LATE, STALE

TROUBLED_STATES = frozenset({LATE, STALE, DOWN})
HEALTHY_STATES = frozenset({source_status.ON_TIME, source_status.QUIET})
MAX_NOT_FETCHED = timedelta(minutes=10)
MAX_WAIT_FOR_FAILURES = timedelta(minutes=10)  # until the other sources were asked, too
MAX_WAIT_FOR_RECOVERIES = fetch_schedule.LONGEST_RETRY  # within which the other sources are asked again
_OPEN_ALARM, _NOT_FETCHED, _WAITING = (
    "source-alarm",
    "source-unasked",
    "source-alarm-waits",
)  # kinds of attempts: alarms of sources that have not recovered; since when a source is not fetched, or a mail waits
_FAILURES, _RECOVERIES = "failures", "recoveries"  # the mails that may wait
_RETENTION = timedelta(days=7)


def current_statuses(now: datetime) -> list[tuple[SourceStatus, bool]]:
    """The sources that the scheduler fetches, each with whether it is to be fetched now."""
    due = fetch_schedule.due_sources(now)
    enabled = {source.name for source in registry.enabled_sources()}
    return [
        (status, status.source in due)
        for status in source_status.source_statuses(now)
        if status.source in enabled and status.state != source_status.PAUSED
    ]


def check_sources(session: Session, statuses: Sequence[tuple[SourceStatus, bool]], *, now: datetime) -> int:
    """Raise an alarm about new problems of these sources, and one about recoveries. Returns the number of alarms."""
    judged = [status for status, is_due in statuses if not _is_only_unfetched(session, status, is_due, now=now)]
    troubled = [status for status in judged if status.state in TROUBLED_STATES]
    to_be_asked = any(is_due and status.state not in TROUBLED_STATES for status, is_due in statuses)
    failure_alarm = bool(troubled) and not _waits(
        session, _FAILURES, to_be_asked, at_most=MAX_WAIT_FOR_FAILURES, now=now
    )
    count = int(failure_alarm and _raise_failure_alarm(session, troubled, now=now))
    recovered = {
        status: alarms[-1]
        for status in judged
        if status.state in HEALTHY_STATES and (alarms := _open_alarms(session, status.source, now))
    }
    if not recovered or _waits(session, _RECOVERIES, bool(troubled), at_most=MAX_WAIT_FOR_RECOVERIES, now=now):
        return count
    return count + _raise_recovery_alarm(session, recovered, now=now)


def _is_only_unfetched(session: Session, status: SourceStatus, is_due: bool, *, now: datetime) -> bool:
    """True for a source that is late because it was not fetched yet, for `MAX_NOT_FETCHED`."""
    if not (is_due and status.state == LATE):
        subscribers.delete_attempts(session, _NOT_FETCHED, status.source)
        return False
    return not _has_passed(session, _NOT_FETCHED, status.source, MAX_NOT_FETCHED, now=now)


def _waits(session: Session, mail: str, others_may_follow: bool, *, at_most: timedelta, now: datetime) -> bool:
    """Whether that mail waits for other sources to share it."""
    if others_may_follow and not _has_passed(session, _WAITING, mail, at_most, now=now):
        return True
    subscribers.delete_attempts(session, _WAITING, mail)
    return False


def _has_passed(session: Session, kind: str, name: str, period: timedelta, *, now: datetime) -> bool:
    """True where the period has passed since the first call, which records the time."""
    since = subscribers.attempts(session, kind, name, since=now - _RETENTION)
    if not since:
        subscribers.record_attempt(session, kind, name, now=now, forget_before=now - _RETENTION)
    return bool(since) and now - since[0] >= period


def _open_alarms(session: Session, source: str, now: datetime) -> Sequence[datetime]:
    return subscribers.attempts(session, _OPEN_ALARM, source, since=now - _RETENTION)


def _raise_failure_alarm(session: Session, statuses: Sequence[SourceStatus], *, now: datetime) -> bool:
    down_count = sum(status.state == DOWN for status in statuses)
    problems = [_failure(session, status, several_down=down_count > 1) for status in statuses]
    raised = alarm_rules.raise_alarms(session, problems, "{} sources are in trouble".format, now=now)
    for problem in raised:
        source = problem.subject.partition(":")[2]
        subscribers.record_attempt(session, _OPEN_ALARM, source, now=now, forget_before=now - _RETENTION)
    return bool(raised)


def _failure(session: Session, status: SourceStatus, *, several_down: bool) -> AlarmProblem:
    facts = [f"{status.source} is {status.state}{f': {status.detail}' if status.detail else '.'}"]
    command = f"`digest ingest {status.source}` fetches it now"
    if status.attempted_at is not None:
        attempted = f"{status.attempted_at:%Y-%m-%d %H:%M} UTC"
        facts.append(f"The last attempt was at {attempted}; it is retried automatically, and {command}.")
    else:
        facts.append(f"{command}.")
    facts += _moved_facts(session, status.source)
    advice = ["`digest doctor` shows every source."]
    if several_down:
        advice.append("Where many are down at once, check the network, DNS and proxy of this machine first.")
    if status.complete_through is not None:
        advice.append(f"arXiv's announcements are complete through {status.complete_through}.")
    return AlarmProblem(f"source:{status.source}", f"{status.source} is {status.state}", facts, advice)


def _raise_recovery_alarm(session: Session, alarm_times: Mapping[SourceStatus, datetime], *, now: datetime) -> bool:
    """`alarm_times`: of each source that has recovered, when the last alarm about it was raised."""
    problems = []
    for status, raised_at in alarm_times.items():
        subscribers.delete_attempts(session, _OPEN_ALARM, status.source)
        title = f"{status.source} is {status.state} again"
        facts = [f"{title}. The last alarm about it was raised at {raised_at:%Y-%m-%d %H:%M} UTC."]
        advice = ["Papers that came late are new in the next mails."]
        problems.append(AlarmProblem(f"source-over:{status.source}:{raised_at.isoformat()}", title, facts, advice))
    return bool(alarm_rules.raise_alarms(session, problems, "{} sources are well again".format, now=now))


def _moved_facts(session: Session, source: str) -> list[str]:
    """For a feed that moved: its former address, which may be right again."""
    feed = feed_sources.feed(session, source)
    if feed is None or not feed.former_url:
        return []
    move = feed_sources.last_move(feed, feed_sources.moves(session))
    day = f" on {move.at:%Y-%m-%d}" if move else ""
    return [
        f"The feed moved from {feed.former_url} to {feed.url}{day};"
        f" `digest sources restore {source}` sets the former address."
    ]
