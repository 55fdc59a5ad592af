"""Runs one fetch of a source and stores its documents, each together with the mark that its day is stored.

A document is one transaction up to 5,000 papers: a process killed in between leaves the day unmarked, so it is fetched
again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date

from sqlmodel import Session

from digest import clock, logs
from digest.db.core.engine import reading
from digest.db.papers import paper_writes, source_days
from digest.db.papers import papers as papers_store
from digest.errors import SourceDown
from digest.services.ingestion.import_document import IngestCounts, store_document
from digest.sources import registry
from digest.sources.source import DayMark, FetchedDocument, FetchResult

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class FetchOutcome:
    """The result of one fetch. `outcome`: '' for success, else as in `SourceState`."""

    counts: IngestCounts
    outcome: str = ""
    detail: str = ""


def run_fetch(source: str, fetch: Callable[[], FetchResult]) -> FetchOutcome:
    """Fetch and store. Raises SourceDown after storing the documents that came before the failure.

    A document with a value that the database refuses is such a failure: it must not stop other sources.
    """
    fetched = fetch()
    total = IngestCounts(source)
    for document in fetched.documents:
        total.add(_store(source, document))
    if fetched.failure is not None:
        raise fetched.failure
    return FetchOutcome(total, fetched.outcome, fetched.detail)


def _store(source: str, document: FetchedDocument) -> IngestCounts:
    now = clock.now()

    def finish(session: Session) -> None:
        mark: DayMark | None = document.mark
        if mark is not None:
            source_days.store_day(session, source, mark.day, at=now, papers=mark.papers, final=mark.final)
        if document.on_stored is not None:
            document.on_stored(session)

    day = _announcement_day(source, document, now.astimezone(UTC).date())
    try:
        return store_document(source, document.name, document.parsed, day=day, known_at=now, finish=finish)
    except paper_writes.REFUSED_VALUE as error:
        log.exception("document_not_stored", source=source, document=document.name)
        raise SourceDown(f"{document.name}: the database refuses a value of it", retryable=False) from error


def _announcement_day(source: str, document: FetchedDocument, today: date) -> date | None:
    """The announcement that the document's new papers join; None for the one of its own date."""
    day = document.current_on
    if day is None:
        return document.announcement
    fresh_for = registry.source_named(source).fresh_for
    if fresh_for is not None:
        return registry.ANNOUNCEMENTS.current(today if today - day <= fresh_for else day)
    with reading() as session:
        ordinal = papers_store.current_announcement(session, day)
    return date.fromordinal(ordinal) if ordinal else registry.ANNOUNCEMENTS.current(day)
