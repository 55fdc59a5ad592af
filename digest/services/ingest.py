"""Storing what a source gave: each paper once, each change a new version, each refused piece with its reason.

A batch is never parted between transactions, and batches commit in the order of their numbers: a reader's
`seen_through` can then never pass over a paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from digest import papers
from digest.db import figures
from digest.db import papers as store
from digest.db.engine import transaction
from digest.papers import Bad, Listed, Parsed, Record
from digest.services.known import Known, kept, keys_of
from digest.services.opened import Opened

CHUNK = 2500
BATCH = 5000
_STRENGTH = ("new", "cross", "replace", "replace-cross")
_ANNOUNCED, _REPLACED = frozenset(_STRENGTH[:2]), frozenset(_STRENGTH[2:])
MOST_TOLD = 5


@dataclass(slots=True)
class Counts:
    """What an ingest did, in papers; `bad` counts refused pieces, `refused` are the first few."""

    source: str
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: int = 0
    refused: list[Bad] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Sum up."""
        self.new += other.new
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.bad += other.bad
        self.refused = (self.refused + other.refused)[:MOST_TOLD]

    def to_json(self) -> dict[str, Any]:
        """The JSON form that DESIGN names."""
        return {name: getattr(self, name) for name in ("source", "new", "updated", "unchanged", "bad")}


def store_document(
    source: str,
    document: str,
    parsed: Parsed,
    *,
    day: date | None = None,
    known_at: datetime | None = None,
    finish: Callable[[Session], None] | None = None,
) -> Counts:
    """Store one parsed document under the announcement of `day` (else the document's own date, else the current one).

    Idempotent: the same document again changes nothing and leaves no trace. Large documents are stored in parts, each
    one transaction; `finish` belongs to the last one. `known_at`: when its papers and counters became known; without it
    the announcement's own time, for saved answers that are stored later.
    """
    total = Counts(source)
    parts = list(_parts(parsed))
    for number, part in enumerate(parts, start=1):
        with transaction() as session:
            store.lock_batches(session)
            total.add(_store_part(session, source, document, part, day or part.announced, known_at))
            if finish is not None and number == len(parts):
                finish(session)
    return total


def store_documents(source: str, documents: Iterable[tuple[str, Parsed]], *, day: date | None = None) -> Counts:
    """Store many documents of saved answers, as `store_document` would; small ones share a transaction."""
    total = Counts(source)
    waiting: list[tuple[str, Parsed]] = []
    for name, parsed in documents:
        waiting += ((name, part) for part in _parts(parsed))
        if sum(len(part.papers) for _, part in waiting) >= BATCH:
            total.add(_store_together(source, waiting, day))
            waiting = []
    total.add(_store_together(source, waiting, day))
    return total


def _store_together(source: str, parts: Sequence[tuple[str, Parsed]], day: date | None) -> Counts:
    total = Counts(source)
    with transaction() as session:
        store.lock_batches(session)
        for name, part in parts:
            total.add(_store_part(session, source, name, part, day or part.announced, None))
    return total


def _parts(parsed: Parsed) -> Iterator[Parsed]:
    """The document in parts of at most `BATCH` papers, at least one; what was refused goes with the first."""
    parsed = papers.storable(parsed)
    for start in range(0, max(len(parsed.papers), 1), BATCH):
        bad = () if start else parsed.bad
        yield replace(parsed, papers=parsed.papers[start : start + BATCH], bad=bad)


def _store_part(
    session: Session, source: str, document: str, part: Parsed, day: date | None, known_at: datetime | None
) -> Counts:
    """One batch, in the transaction of the caller, who holds the lock."""
    on = day if part.papers else None  # an empty feed (a weekend's) announces nothing
    opened = Opened(session, source, on, known_at)
    counts = _Store(opened).all(part.papers)
    counts.bad, counts.refused = len(part.bad), list(part.bad[:MOST_TOLD])
    if part.bad:
        store.insert_rejects(session, opened.id, document, part.bad)
    if people := (*part.people, *filter(None, [papers.person(part)])):
        figures.put_people(session, source, people, opened.known_at)
    opened.close(new=counts.new, updated=counts.updated, unchanged=counts.unchanged, bad=counts.bad)
    return counts


class _Store:
    """Papers of one batch, chunk by chunk: few queries, each for a whole chunk."""

    def __init__(self, batch: Opened) -> None:
        self.session, self.batch = batch.session, batch
        self.counts = Counts(batch.source)

    def all(self, listed: Sequence[Listed]) -> Counts:
        """Store them all; papers that occur twice in the document are merged first."""
        merged = papers.merge_all(listed)
        for start in range(0, len(merged), CHUNK):
            self._chunk(merged[start : start + CHUNK])
        return self.counts

    def _chunk(self, listed: Sequence[Listed]) -> None:
        found = Known(self.session, [item.record for item in listed])
        fresh = [i for i, item in enumerate(listed) if found.numbers[i] is None and item.record.title]
        made = self._insert(fresh, listed, found)
        numbers = found.numbers | dict(zip(fresh, made, strict=True))
        changes = _Changes()
        for i, item in enumerate(listed):
            number = found.numbers[i]
            if number is not None:
                changed = self._update(found.stored[number], item, found, changes)
                self.counts.updated += changed
                self.counts.unchanged += not changed
        self._write(changes)
        signals = [row for i, item in enumerate(listed) if (n := numbers[i]) for row in self._signals(n, item)]
        store.insert_signals(self.session, signals)

    def _insert(self, places: Sequence[int], listed: Sequence[Listed], found: Known) -> list[int]:
        """Store the new ones, which stand at these places. Returns their numbers."""
        if not places:
            return []
        fresh = [listed[at] for at in places]
        numbers = store.insert_papers(self.session, [self._paper_row(item, found) for item in fresh])
        both = list(zip(numbers, fresh, strict=True))
        store.insert_versions(self.session, [self._version_row(n, 1, item.record) for n, item in both])
        alike = (found.keys[at] for at in places)
        store.insert_keys(
            self.session,
            ((key, n) for (n, item), some in zip(both, alike, strict=True) for key in kept(item.record, some)),
            fresh=True,
        )
        self.counts.new += len(fresh)
        return numbers

    def _update(self, known: store.Stored, item: Listed, found: Known, changes: _Changes) -> bool:
        """Merge into a known paper: a new version where something changed. True where anything did."""
        merged = _merged(known.record, item.record)
        row: dict[str, Any] = {}
        if merged != known.record:
            row["revision"] = known.revision + 1
            row["withdrawn"] = merged.withdrawn
            changes.versions.append(self._version_row(known.id, known.revision + 1, merged))
            changes.keys += [(key, known.id) for key in keys_of(merged)]
            row |= {"arxiv_id": merged.arxiv_id} if merged.arxiv_id != known.arxiv_id else {}
            row |= {"doi": merged.doi} if known.doi is None and found.free(merged.doi) else {}
        if item.announce_type in _ANNOUNCED and known.announcement_id is None:
            # seen before only as a revision, while its own announcement was missed
            row |= {"announcement_id": self.batch.announcement_id, "batch_id": self.batch.id}
        if _stronger(item.announce_type, known.announce_type):
            row["announce_type"] = item.announce_type
        if row:
            changes.papers.append({**_columns(known), **row})
        return bool(row)

    def _write(self, changes: _Changes) -> None:
        store.update_papers(self.session, changes.papers)
        store.insert_versions(self.session, changes.versions)
        store.insert_keys(self.session, changes.keys)

    def _paper_row(self, item: Listed, found: Known) -> dict[str, Any]:
        return {
            "arxiv_id": item.record.arxiv_id,
            "doi": item.record.doi if found.free(item.record.doi) else None,
            "announcement_id": None if item.announce_type in _REPLACED else self.batch.announcement_id,
            "batch_id": self.batch.id,
            "revision": 1,
            "withdrawn": item.record.withdrawn,
            "announce_type": item.announce_type,
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
                "source": self.batch.source,
                "name": name,
                "taken_at": self.batch.known_at,
                "value": value,
            }
            for name, value in item.signals
        )


@dataclass(slots=True)
class _Changes:
    """Rows of one chunk still to be written."""

    papers: list[Mapping[str, Any]] = field(default_factory=list)
    versions: list[Mapping[str, Any]] = field(default_factory=list)
    keys: list[tuple[str, int]] = field(default_factory=list)


def _merged(known: Record, given: Record) -> Record:
    """What is known with what is given; a record without title only adds what it says beside it."""
    if given.title:
        return papers.merge(known, given)
    return replace(
        known,
        withdrawn=known.withdrawn or given.withdrawn,
        institutions=known.institutions or given.institutions,
        venue=known.venue or given.venue,
    )


def _stronger(given: str | None, known: str | None) -> bool:
    return given is not None and (known is None or _STRENGTH.index(given) < _STRENGTH.index(known))


def _columns(known: store.Stored) -> dict[str, Any]:
    """The columns that an update may change, as they are: rows of one update must have the same."""
    return {
        "id": known.id,
        "arxiv_id": known.arxiv_id,
        "doi": known.doi,
        "announcement_id": known.announcement_id,
        "batch_id": known.batch_id,
        "announce_type": known.announce_type,
        "revision": known.revision,
        "withdrawn": known.record.withdrawn,
    }
