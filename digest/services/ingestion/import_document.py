"""Stores parsed documents: each paper once, each change as a new version, each rejected item with its reason.

A batch is one transaction, and batches commit in the order of their ids, so that a subscriber's `seen_through` never
skips a paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from digest import papers
from digest.db.core.engine import transaction
from digest.db.papers import paper_writes, quality_figures
from digest.papers import ParsedDocument, RejectedItem
from digest.services.ingestion.batch_writer import BatchWriter
from digest.services.ingestion.paper_upsert import PaperUpsert

PAPERS_PER_BATCH = 5000
MAX_REJECTED_LISTED = 5


@dataclass(slots=True)
class IngestCounts:
    """Numbers of papers; `bad` counts rejected items, of which `rejected_items` has the first few."""

    source: str
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: int = 0
    rejected_items: list[RejectedItem] = field(default_factory=list)

    def add(self, other: IngestCounts) -> None:
        """Sum up."""
        self.new += other.new
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.bad += other.bad
        self.rejected_items = (self.rejected_items + other.rejected_items)[:MAX_REJECTED_LISTED]

    def to_json(self) -> dict[str, Any]:
        """The counts as a JSON object."""
        return {name: getattr(self, name) for name in ("source", "new", "updated", "unchanged", "bad")}


def store_document(
    source: str,
    document: str,
    parsed: ParsedDocument,
    *,
    day: date | None = None,
    known_at: datetime | None = None,
    finish: Callable[[Session], None] | None = None,
) -> IngestCounts:
    """Store one parsed document under the announcement of `day` (else the document's own date, else the current one).

    Idempotent: storing the same document again changes nothing and leaves no batch. Large documents are stored in
    parts, one transaction each; `finish` runs in the last. `known_at`: when the papers became known; by default the
    announcement's own time, for saved answers that are imported later.
    """
    total = IngestCounts(source)
    parts = list(_parts(parsed))
    for number, part in enumerate(parts, start=1):
        with transaction() as session:
            paper_writes.lock_batches(session)
            total.add(_store_part(session, source, document, part, day or part.announced, known_at))
            if finish is not None and number == len(parts):
                finish(session)
    return total


def store_documents(
    source: str,
    documents: Iterable[tuple[str, ParsedDocument]],
    *,
    day: date | None = None,
    on_stored: Callable[[IngestCounts], None] | None = None,
) -> IngestCounts:
    """Store many documents of saved answers, as `store_document` would; small ones share a transaction.

    `on_stored` is called with the counts of each transaction.
    """
    total = IngestCounts(source)
    for parts in _group_parts(documents):
        counts = _store_group(source, parts, day)
        parts.clear()
        total.add(counts)
        if on_stored is not None:
            on_stored(counts)
    return total


def _group_parts(documents: Iterable[tuple[str, ParsedDocument]]) -> Iterator[list[tuple[str, ParsedDocument]]]:
    """Groups for one transaction each, of at least `PAPERS_PER_BATCH` papers except the last."""
    group: list[tuple[str, ParsedDocument]] = []
    for name, parsed in documents:
        group += ((name, part) for part in _parts(parsed))
        del parsed  # free the document before the next one takes memory
        if sum(len(part.papers) for _, part in group) >= PAPERS_PER_BATCH:
            yield group
            group = []
    yield group


def _store_group(source: str, parts: Sequence[tuple[str, ParsedDocument]], day: date | None) -> IngestCounts:
    total = IngestCounts(source)
    with transaction() as session:
        paper_writes.lock_batches(session)
        for name, part in parts:
            total.add(_store_part(session, source, name, part, day or part.announced, None))
    return total


def _parts(parsed: ParsedDocument) -> Iterator[ParsedDocument]:
    """Split into parts of at most `PAPERS_PER_BATCH` papers, at least one; rejected items go with the first."""
    parsed = papers.to_storable(parsed)
    for start in range(0, max(len(parsed.papers), 1), PAPERS_PER_BATCH):
        rejected = () if start else parsed.rejected
        yield replace(parsed, papers=parsed.papers[start : start + PAPERS_PER_BATCH], rejected=rejected)


def _store_part(
    session: Session, source: str, document: str, part: ParsedDocument, day: date | None, known_at: datetime | None
) -> IngestCounts:
    """Store one batch in the caller's transaction, which holds the lock."""
    announcement_day = day if part.papers else None  # an empty feed (a weekend's) announces nothing
    batch = BatchWriter(session, source, announcement_day, known_at)
    upsert = PaperUpsert(batch, page_author=papers.page_author(part))
    upsert.store_all(part.papers)
    new, updated, unchanged = upsert.new, upsert.updated, upsert.unchanged
    new_rejects = _store_rejects(batch, document, part.rejected)
    if authors := (*part.authors, *filter(None, [papers.single_author(part)])):
        quality_figures.store_author_figures(session, source, authors, batch.known_at)
    batch.close(new=new, updated=updated, unchanged=unchanged, bad=new_rejects)
    return IngestCounts(source, new, updated, unchanged, len(part.rejected), list(part.rejected[:MAX_REJECTED_LISTED]))


def _store_rejects(batch: BatchWriter, document: str, rejected: Sequence[RejectedItem]) -> int:
    """Store each item once, however often it comes. Returns the number of new ones."""
    if not rejected:
        return 0
    keys = paper_writes.reject_keys(batch.source, document, rejected)
    by_key = dict(zip(keys, rejected, strict=True))
    known_keys = paper_writes.update_known_rejects(batch.session, by_key, batch.now)
    new_items = {key: item for key, item in by_key.items() if key not in known_keys}
    if new_items:
        paper_writes.insert_rejects(batch.session, batch.id, document, new_items)
    return len(new_items)
