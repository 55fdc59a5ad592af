"""Storing what a source gave: each paper once, each change a new version, each refused piece with its reason.

One batch is one transaction, and batches commit in the order of their numbers: a reader's `seen_through` can
then never pass over a paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from digest import clock, papers
from digest.db import papers as store
from digest.db.engine import transaction
from digest.models import Batch, Paper
from digest.papers import Listed, Parsed, Record
from digest.text.fold import fold

CHUNK = 500
BATCH = 5000
_REPLACED = {"replace", "replace-cross"}


@dataclass(slots=True)
class Counts:
    """What an ingest did, in papers; `bad` counts refused pieces."""

    source: str
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: int = 0

    def add(self, other: Counts) -> None:
        """Sum up."""
        self.new += other.new
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.bad += other.bad


def store_document(source: str, document: str, parsed: Parsed, *, day: date | None = None) -> Counts:
    """Store one parsed document under the announcement of `day` (else the document's own date, else the current one).

    Idempotent: the same document again changes nothing. Large documents are stored in batches.
    """
    total = Counts(source, bad=len(parsed.bad))
    on = (day or parsed.announced) if parsed.papers else None  # an empty feed (a weekend's) announces nothing
    parts = [parsed.papers[i : i + BATCH] for i in range(0, len(parsed.papers), BATCH)] or [()]
    for number, part in enumerate(parts):
        with transaction() as session:
            batch = _open_batch(session, source, on)
            counts = _Store(session, source, batch).all(part)
            if number == 0:
                store.insert_rejects(session, batch.id or 0, document, parsed.bad)
                batch.bad = len(parsed.bad)
            batch.new, batch.updated, batch.unchanged = counts.new, counts.updated, counts.unchanged
        total.add(counts)
    return total


def _open_batch(session: Session, source: str, day: date | None) -> Batch:
    """A batch under the announcement of `day`, else the current one. A date to come is no date: sources err."""
    store.lock_batches(session)
    now = clock.now()
    today = now.astimezone(clock.ARXIV_ZONE).date()
    day = min(day, today) if day else None
    current = store.current_announcement(session, today) if day is None else None
    announcement = current or store.announcement_for(session, day or today)
    known_at = min(now, clock.announcement_instant(day)) if day else now
    batch = Batch(source=source, announcement_id=announcement, started_at=now, known_at=known_at)
    session.add(batch)
    session.flush()
    return batch


class _Store:
    """Papers of one batch, chunk by chunk: few queries, each for a whole chunk."""

    def __init__(self, session: Session, source: str, batch: Batch) -> None:
        self.session, self.source, self.batch = session, source, batch
        self.taken_at: datetime = batch.known_at
        self.counts = Counts(source)

    def all(self, listed: Sequence[Listed]) -> Counts:
        """Store them all; papers that occur twice in the document are merged first."""
        merged = papers.merge_all(listed)
        for start in range(0, len(merged), CHUNK):
            self._chunk(merged[start : start + CHUNK])
        return self.counts

    def _chunk(self, listed: Sequence[Listed]) -> None:
        numbers = self._find([item.record for item in listed])
        known = store.newest(self.session, {n for n in numbers if n is not None})
        fresh = [item for item, number in zip(listed, numbers, strict=True) if number is None]
        made = iter(self._insert(fresh))
        signals: list[Mapping[str, Any]] = []
        for item, number in zip(listed, numbers, strict=True):
            paper_id = next(made) if number is None else self._update(known[number], item)
            signals += self._signals(paper_id, item)
        store.insert_signals(self.session, signals)

    def _find(self, records: Sequence[Record]) -> list[int | None]:
        """The stored paper of each record: by identifier, else by a shared key and comparison."""
        by_id = store.find_by_identifiers(self.session, records)
        found = [by_id.get(r.arxiv_id or "") or by_id.get(f"doi:{r.doi}") for r in records]
        keys = {i: _lookup_keys(r) for i, r in enumerate(records) if found[i] is None}
        by_key = store.find_by_keys(self.session, {key for some in keys.values() for key in some})
        candidates = store.newest(self.session, {n for some in by_key.values() for n in some})
        for i, some in keys.items():
            numbers = sorted({n for key in some for n in by_key.get(key, ())})
            found[i] = next((n for n in numbers if papers.same(candidates[n][1], records[i])), None)
        return found

    def _insert(self, listed: Sequence[Listed]) -> list[int]:
        rows = [self._paper_row(item) for item in listed]
        numbers = store.insert_papers(self.session, rows)
        store.insert_versions(
            self.session, [self._version_row(n, 1, item.record) for n, item in zip(numbers, listed, strict=True)]
        )
        pairs = [(key, n) for n, item in zip(numbers, listed, strict=True) for key in _keys(item.record)]
        store.insert_keys(self.session, pairs)
        self.counts.new += len(listed)
        return numbers

    def _update(self, known: tuple[Paper, Record], item: Listed) -> int:
        """Merge into a known paper: a new version where something changed."""
        paper, record = known
        merged = papers.merge(record, item.record)
        if paper.id is None:
            raise ValueError("a stored paper has a number")
        if paper.announcement_id is None and item.announce_type not in _REPLACED:  # its revision came first
            paper.announcement_id, paper.batch_id = self.batch.announcement_id, self.batch.id or 0
        if merged == record:
            self.counts.unchanged += 1
            return paper.id
        paper.revision += 1
        paper.arxiv_id, paper.doi, paper.withdrawn = merged.arxiv_id, merged.doi, merged.withdrawn
        store.insert_versions(self.session, [self._version_row(paper.id, paper.revision, merged)])
        store.insert_keys(self.session, [(key, paper.id) for key in _keys(merged)])
        self.counts.updated += 1
        return paper.id

    def _paper_row(self, item: Listed) -> dict[str, Any]:
        revised = item.announce_type in _REPLACED
        return {
            "arxiv_id": item.record.arxiv_id,
            "doi": item.record.doi,
            "announcement_id": None if revised else self.batch.announcement_id,
            "batch_id": self.batch.id,
            "withdrawn": item.record.withdrawn,
        }

    def _version_row(self, paper_id: int, revision: int, record: Record) -> dict[str, Any]:
        return {
            "paper_id": paper_id,
            "revision": revision,
            "batch_id": self.batch.id,
            "title": record.title,
            "abstract": record.abstract,
            "detail": store.to_detail(record),
        }

    def _signals(self, paper_id: int, item: Listed) -> Iterable[Mapping[str, Any]]:
        return (
            {
                "paper_id": paper_id,
                "source": self.source,
                "name": name,
                "taken_at": self.taken_at,
                "value": value,
            }
            for name, value in item.signals
        )


def author_key(name: str) -> str:
    """The key under which an author's papers are kept."""
    return f"au:{fold(name)}"[:70]


def _lookup_keys(record: Record) -> list[str]:
    """Where a paper without shared identifier may be found: title and first author, fingerprints of the abstract."""
    title = papers.title_key(record)
    return [*([f"t:{title}"] if title else []), *(f"a:{key}" for key in papers.abstract_keys(record))]


def _keys(record: Record) -> list[str]:
    return [*_lookup_keys(record), *(author_key(name) for name in record.authors)]
