"""Papers of one batch into the database: new ones, new versions of known ones, counters. Few queries, many rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from digest import papers
from digest.db.papers import paper_writes
from digest.db.papers import papers as store
from digest.papers import Listed, Record
from digest.services.ingestion.dedup import Known
from digest.services.ingestion.ingest_batch import Opened

CHUNK = 2500
_STRENGTH = ("new", "cross", "replace", "replace-cross")
_ANNOUNCED, _REPLACED = frozenset(_STRENGTH[:2]), frozenset(_STRENGTH[2:])


class Store:
    """Papers of one batch, chunk by chunk: few queries, each for a whole chunk."""

    def __init__(self, batch: Opened) -> None:
        self.session, self.batch = batch.session, batch
        self.new = self.updated = self.unchanged = 0

    def all(self, listed: Sequence[Listed]) -> None:
        """Store them all; papers that occur twice in the document are merged first."""
        merged = papers.merge_all(listed)
        for start in range(0, len(merged), CHUNK):
            self._chunk(merged[start : start + CHUNK])

    def _chunk(self, listed: Sequence[Listed]) -> None:
        found = Known(self.session, listed)
        fresh = [i for i, item in enumerate(listed) if found.numbers[i] is None and item.record.title]
        made = self._insert(fresh, listed, found)
        numbers = found.numbers | dict(zip(fresh, made, strict=True))
        changes = _Changes()
        for i, item in enumerate(listed):
            number = found.numbers[i]
            if number is not None:
                changed = self._update(found.stored[number], item, found, changes)
                self.updated += changed
                self.unchanged += not changed
        self._write(changes)
        signals = [row for i, item in enumerate(listed) if (n := numbers[i]) for row in self._signals(n, item)]
        paper_writes.insert_signals(self.session, signals)

    def _insert(self, places: Sequence[int], listed: Sequence[Listed], found: Known) -> list[int]:
        """Store the new ones, which stand at these places. Returns their numbers."""
        if not places:
            return []
        fresh = [listed[at] for at in places]
        numbers = paper_writes.insert_papers(self.session, [self._paper_row(item, found) for item in fresh])
        both = list(zip(numbers, fresh, strict=True))
        paper_writes.insert_versions(self.session, [self._version_row(n, 1, item.record) for n, item in both])
        alike = (found.keys[at] for at in places)
        paper_writes.insert_keys(
            self.session,
            ((key, n) for (n, item), some in zip(both, alike, strict=True) for key in papers.kept(item.record, some)),
            fresh=True,
        )
        self.new += len(fresh)
        return numbers

    def _update(self, known: store.Stored, item: Listed, found: Known, changes: _Changes) -> bool:
        """Merge into a known paper: a new version where something changed. True where anything did."""
        merged = _merged(known.record, item.record)
        row: dict[str, Any] = {}
        if merged != known.record:
            row["revision"] = known.revision + 1
            row["withdrawn"] = merged.withdrawn
            changes.versions.append(self._version_row(known.id, known.revision + 1, merged))
            changes.keys += [(key, known.id) for key in papers.kept(merged, papers.keys_of(merged))]
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
        paper_writes.update_papers(self.session, changes.papers)
        paper_writes.insert_versions(self.session, changes.versions)
        paper_writes.insert_keys(self.session, changes.keys)

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
