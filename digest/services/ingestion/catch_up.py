"""Keeping up with the sources: what is due is asked for, what was missed is asked for again, day by day in order.

A source's days are noted as they are stored, each in the transaction that stores it. So a gap stays visible until it is
filled, nothing is ever skipped, and whatever is interrupted goes on where it stood.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sqlmodel import Session

from digest import clock, logs, settings
from digest.db.core.engine import reading, transaction
from digest.db.papers import source_days as store
from digest.errors import BadInput, SourceDown
from digest.services.ingestion import fetch_source
from digest.services.ingestion.feed_freshness import DOWN
from digest.services.ingestion.fetch_source import A_DAY, ALL, ARXIV, DAILY, HUGGINGFACE, LONGEST, OAI, RSS
from digest.services.ingestion.import_document import Counts
from digest.sources import arxiv_calendar

log = logs.get(__name__)

Progress = Callable[[int, int, str], None]  # steps done, steps in all, what comes now
Step = tuple[str, Callable[[], fetch_source.Outcome]]


@dataclass(frozen=True, slots=True)
class Result:
    """What an ingest did. `more`: the time was over before the work; call again."""

    counts: Counts
    outcome: str = ""
    detail: str = ""
    more: bool = False


def ingest(
    source: str,
    *,
    first: date | None = None,
    last: date | None = None,
    seconds: float | None = None,
    progress: Progress = lambda _done, _all, _label: None,
) -> Result:
    """Fetch and store: the days from `first` to `last`, else all that is due or missing, for about `seconds`.

    Safe to run twice and at once. Raises BadInput for wrong days, SourceDown after noting it; what was stored stays.
    """
    steps = list(_steps(source, first, last))
    until = None if seconds is None else time.monotonic() + seconds
    total, result = Counts(source), fetch_source.Outcome(Counts(source))
    try:
        for done, (label, step) in enumerate(steps):
            progress(done, len(steps), label)
            if until is not None and done and time.monotonic() > until:
                return Result(total, more=True)
            result = step()
            total.add(result.counts)
    except SourceDown as error:
        _note(source, DOWN, str(error), retry_after=error.retry_after)
        raise
    progress(len(steps), len(steps), "")
    _note(source, result.outcome, result.detail)
    return Result(total, result.outcome, result.detail)


def _note(source: str, outcome: str, detail: str, *, retry_after: float | None = None) -> None:
    """Write down how the attempt went."""
    now = clock.now()
    retry_at = None if retry_after is None else now + timedelta(seconds=retry_after)
    with transaction() as session:
        store.put_state(session, source, at=now, outcome=outcome, detail=detail, retry_at=retry_at)
    (log.warning if outcome else log.info)("source_asked", source=source, outcome=outcome or "ok")


def _steps(source: str, first: date | None, last: date | None) -> Iterator[Step]:
    """What to do, in order. Raises BadInput."""
    if source not in ALL:
        raise BadInput(f"source {source!r} is unknown; one of {', '.join(ALL)}", field="source")
    if source not in DAILY:
        if first or last:
            raise BadInput(f"{source} tells only what is current; for past days use {OAI}", field="from")
        yield source, (fetch_source.feed if source == RSS else partial(fetch_source.citations, source))
        return
    step = {fetch_source.API: fetch_source.query, OAI: fetch_source.harvest, HUGGINGFACE: fetch_source.listing}[source]
    for day in _asked(source, first, last) if first or last else _due_days(source):
        yield str(day), partial(step, day)
    if source == HUGGINGFACE and last is None:
        yield "the week", fetch_source.week
        yield "trending", fetch_source.trending


def _asked(source: str, first: date | None, last: date | None) -> list[date]:
    """The days between two dates that a source has; none in the future."""
    today = clock.now().astimezone(UTC).date()
    last = min(last or today, today)
    first = first or last
    if first > last:
        raise BadInput(f"the days {first} to {last} are none", field="from")
    if source == fetch_source.API:
        return arxiv_calendar.between(first, last, settings.get().closed_evenings)
    return [first + n * A_DAY for n in range((last - first).days + 1)]


def _due_days(source: str) -> list[date]:
    """Days not stored for good, from the first one that ever was (60 days back at most) until today.

    A young database begins with the current announcement. The API is only asked for what no other has of arXiv.
    """
    today = clock.now().astimezone(UTC).date()
    alike = (source,) if source == HUGGINGFACE else ARXIV
    with reading() as session:
        begin = store.oldest_day(session, alike, today - LONGEST * A_DAY)
        begin = begin or arxiv_calendar.current(today, settings.get().closed_evenings)
        done = store.days(session, ARXIV if source == fetch_source.API else (source,), begin, today)
    wanted = _asked(source, begin, today) if begin <= today else []
    return [day for day in wanted if not (done.get(day) or (source == fetch_source.API and day in done))]


def gaps(session: Session, now: datetime) -> list[date]:
    """Announcements of arXiv that were due, since the first one stored (60 days back at most), and that nobody has."""
    closed = settings.get().closed_evenings
    due = arxiv_calendar.newest(now, arxiv_calendar.feed_at, closed)
    begin = store.oldest_day(session, ARXIV, due - LONGEST * A_DAY)
    if begin is None:
        return []
    stored = store.days(session, ARXIV, begin, due)
    return [day for day in arxiv_calendar.between(begin, due, closed) if day not in stored]
