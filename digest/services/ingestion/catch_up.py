"""Fetches what is due from a source, and the days that were missed, oldest first.

A day is marked in the transaction that stores it. A gap therefore stays visible until it is filled, and an interrupted
catch-up continues where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sqlmodel import Session

from digest import clock, logs
from digest.db.core.engine import reading, transaction
from digest.db.papers import feed_sources, source_days
from digest.errors import BadInput, Refused, SourceDown
from digest.services.ingestion import fetch_source
from digest.services.ingestion.import_document import IngestCounts
from digest.sources import registry
from digest.sources.source import A_DAY, DOWN, MAX_DAYS_BACK, FetchResult, Source

log = logs.get(__name__)

Progress = Callable[[int, int, str], None]  # steps done, steps in all, label of the next step
Step = tuple[str, Callable[[], FetchResult]]


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The result of an ingest. `is_incomplete`: the time limit came before the end of the work; call again."""

    counts: IngestCounts
    outcome: str = ""
    detail: str = ""
    is_incomplete: bool = False


def ingest(
    source: str,
    *,
    first: date | None = None,
    last: date | None = None,
    seconds: float | None = None,
    progress: Progress = lambda _done, _all, _label: None,
) -> IngestResult:
    """Fetch and store the days from `first` to `last`, or all that is due or missing, for about `seconds`.

    Safe to run twice and concurrently. Raises BadInput for invalid days, Refused for a paused source, and SourceDown
    after recording it; documents stored before stay.
    """
    with reading() as session:
        if source in feed_sources.pauses(session):
            raise Refused(f"{source} is paused; resume it first: digest sources resume {source}")
    steps = list(_steps(registry.source_named(source), first, last))
    deadline = None if seconds is None else time.monotonic() + seconds
    total, result = IngestCounts(source), fetch_source.FetchOutcome(IngestCounts(source))
    try:
        for done_count, (label, fetch) in enumerate(steps):
            progress(done_count, len(steps), label)
            if deadline is not None and done_count and time.monotonic() > deadline:
                return IngestResult(total, is_incomplete=True)
            step_result = fetch_source.run_fetch(source, fetch)
            total.add(step_result.counts)
            if step_result.outcome or not result.outcome:  # a later success does not hide an incomplete day
                result = step_result
    except SourceDown as error:
        _record_attempt(source, DOWN, str(error), retry_after=error.retry_after)
        raise
    progress(len(steps), len(steps), "")
    _record_attempt(source, result.outcome, result.detail)
    return IngestResult(total, result.outcome, result.detail)


def _record_attempt(source: str, outcome: str, detail: str, *, retry_after: float | None = None) -> None:
    now = clock.now()
    retry_at = None if retry_after is None else now + timedelta(seconds=retry_after)
    with transaction() as session:
        source_days.store_source_state(session, source, at=now, outcome=outcome, detail=detail, retry_at=retry_at)
    log.info("source_fetched", source=source, outcome=outcome or "ok")  # the state is stored, shown and alarmed about


def _steps(source: Source, first: date | None, last: date | None) -> Iterator[Step]:
    """The fetches to run, in order. Raises BadInput."""
    if source.fetch_day is None and (first or last):
        others = ", ".join(other.name for other in registry.SOURCES.values() if other.fetch_day)
        raise BadInput(f"{source.name} offers only what is current; sources of past days: {others}", field="from")
    if source.fetch_day is not None:
        for day in _days_between(source, first, last) if first or last else _due_days(source):
            yield str(day), partial(source.fetch_day, day)
    if last is None:
        for current in source.current:
            yield current.label, current.fetch


def _days_between(source: Source, first: date | None, last: date | None) -> list[date]:
    """The days between two dates that a source has; none in the future."""
    today = clock.now().astimezone(UTC).date()
    last = min(last or today, today)
    first = first or last
    if first > last:
        raise BadInput(f"there is no day from {first} to {last}", field="from")
    return source.days(first, last)


def _due_days(source: Source) -> list[date]:
    """Days not finally stored, from the first stored one (60 days back at most) until today.

    An empty database begins with the current announcement.
    """
    today = clock.now().astimezone(UTC).date()
    sources = source.calendar.sources if source.calendar else (source.name,)
    with reading() as session:
        first_day = source_days.oldest_day(session, sources, today - MAX_DAYS_BACK * A_DAY)
        first_day = first_day or registry.ANNOUNCEMENTS.current(today)
        is_final_by_day = source_days.stored_days(
            session, sources if source.only_missing_days else (source.name,), first_day, today
        )
    days = _days_between(source, first_day, today) if first_day <= today else []
    return [
        day for day in days if not (is_final_by_day.get(day) or (source.only_missing_days and day in is_final_by_day))
    ]


def missing_announcements(session: Session, now: datetime) -> list[date]:
    """Announcements due since the first stored one (60 days back at most) that no source has stored."""
    calendar = registry.ANNOUNCEMENTS
    due = calendar.newest(now)
    first_day = source_days.oldest_day(session, calendar.sources, due - MAX_DAYS_BACK * A_DAY)
    if first_day is None:
        return []
    stored_days = source_days.stored_days(session, calendar.sources, first_day, due)
    return [day for day in calendar.between(first_day, due) if day not in stored_days]
