"""Writes the papers of one batch: new papers, new versions of stored ones, counters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from digest import papers
from digest.db.papers import author_ids, feed_sources, paper_writes, summaries
from digest.db.papers import papers as store
from digest.papers import ListedPaper, Record
from digest.services.ingestion.batch_writer import BatchWriter
from digest.services.ingestion.dedup import StoredMatches, pmid_identifier
from digest.services.ingestion.joined_papers import JoinedPapers, version_row
from digest.sources import registry
from digest.text.language_detection import detect_language, language_code

PAPERS_PER_CHUNK = 2500
_ANNOUNCE_TYPES = ("new", "cross", "replace", "replace-cross")
_ANNOUNCED, _REPLACED = frozenset(_ANNOUNCE_TYPES[:2]), frozenset(_ANNOUNCE_TYPES[2:])


class PaperUpsert:
    """Inserts and updates papers chunk by chunk, with a few queries for each chunk.

    `page_author`: the author of all papers, whom lists of authors that end with 'et al.' may lack.
    """

    def __init__(self, batch: BatchWriter, *, page_author: str | None = None) -> None:
        self.session, self.batch, self._page_author = batch.session, batch, page_author
        self._outlet = registry.stored_outlet(batch.source)
        self._is_feed = feed_sources.feed(batch.session, batch.source) is not None
        self.new = self.updated = self.unchanged = 0

    def store_all(self, listed: Sequence[ListedPaper]) -> None:
        """Store all of them; duplicates within the document are merged first."""
        if self._is_feed:
            listed = [_without_version(item) for item in listed]
        merged = papers.merge_all([self._with_outlet(item) for item in listed] if self._outlet else listed)
        for start in range(0, len(merged), PAPERS_PER_CHUNK):
            self._store_chunk(merged[start : start + PAPERS_PER_CHUNK])

    def _with_outlet(self, item: ListedPaper) -> ListedPaper:
        """The item with the outlet of its source, unless the document names its outlets."""
        if item.record.outlets:
            return item
        return replace(item, record=replace(item.record, outlets=(self._outlet,)))

    def _store_chunk(self, listed: Sequence[ListedPaper]) -> None:
        matches = StoredMatches(self.session, listed)
        new_indexes = [i for i, item in enumerate(listed) if matches.paper_ids[i] is None and item.record.title]
        inserted = self._insert(new_indexes, listed, matches)
        paper_ids = matches.paper_ids | dict(zip(new_indexes, inserted, strict=True))
        joined = JoinedPapers(self.batch, matches)
        paper_ids = {i: joined.survivors.get(paper_id or 0, paper_id) for i, paper_id in paper_ids.items()}
        self._update_all(listed, paper_ids, set(new_indexes), matches, joined)
        self._insert_page_keys(listed, paper_ids)
        self._insert_author_ids(listed, paper_ids)
        signals = [
            row
            for i, item in enumerate(listed)
            if (matched_id := paper_ids[i])
            for row in self._signals(matched_id, item)
        ]
        paper_writes.insert_signals(self.session, signals)
        summaries.insert_summaries(
            self.session,
            [
                self._summary_row(paper_id, item)
                for i, item in enumerate(listed)
                if (paper_id := paper_ids[i]) and item.summary
            ],
        )

    def _update_all(
        self,
        listed: Sequence[ListedPaper],
        paper_ids: Mapping[int, int | None],
        inserted: Collection[int],
        matches: StoredMatches,
        joined: JoinedPapers,
    ) -> None:
        """Update the stored papers that these records are of, each once."""
        updates: dict[int, ListedPaper] = {}
        for i, item in enumerate(listed):
            paper_id = paper_ids[i]
            if paper_id is not None and i not in inserted:
                updates[paper_id] = papers.merge_listed(updates[paper_id], item) if paper_id in updates else item
        changes = _PaperChanges()
        for paper_id, item in updates.items():
            stored_paper = matches.stored[paper_id]
            is_changed = self._update(
                stored_paper, joined.records.get(paper_id, stored_paper.record), item, matches, changes
            )
            self.updated += is_changed
            self.unchanged += not is_changed
        self._write(changes)

    def _insert_author_ids(self, listed: Sequence[ListedPaper], paper_ids: Mapping[int, int | None]) -> None:
        """Store the authors' ids. New ones belong to a batch, so that what other processes cached is outdated."""
        rows = [
            {"paper_id": paper_id, **asdict(author_id)}
            for i, item in enumerate(listed)
            if item.author_ids and (paper_id := paper_ids[i])
            for author_id in item.author_ids
        ]
        if author_ids.insert_author_ids(self.session, rows):
            self.batch.open()

    def _insert_page_keys(self, listed: Sequence[ListedPaper], paper_ids: Mapping[int, int | None]) -> None:
        """Store that these papers are the page's author's, where their lists of authors don't say so."""
        if self._page_author is None:
            return
        key = papers.author_page_key(self._page_author)
        paper_writes.insert_keys(
            self.session,
            [
                (key, paper_id)
                for i, item in enumerate(listed)
                if (paper_id := paper_ids[i])
                and not item.record.authors_complete
                and self._page_author not in item.record.authors
            ],
        )

    def _insert(self, indexes: Sequence[int], listed: Sequence[ListedPaper], matches: StoredMatches) -> list[int]:
        """Insert the papers at these positions. Returns their ids."""
        if not indexes:
            return []
        new_items = [listed[index] for index in indexes]
        paper_ids = paper_writes.insert_papers(self.session, [self._paper_row(item, matches) for item in new_items])
        inserted = list(zip(paper_ids, new_items, strict=True))
        paper_writes.insert_versions(
            self.session, [version_row(self.batch, paper_id, 1, item.record) for paper_id, item in inserted]
        )
        paper_writes.insert_identifiers(
            self.session, [pair for paper_id, item in inserted for pair in _further_identifiers(paper_id, item.record)]
        )
        keys_of_new = (matches.keys[index] for index in indexes)
        paper_writes.insert_keys(
            self.session,
            (
                (key, paper_id)
                for (paper_id, item), keys in zip(inserted, keys_of_new, strict=True)
                for key in papers.stored_keys(item.record, keys)
            ),
            is_new=True,
        )
        self.new += len(new_items)
        return paper_ids

    def _update(
        self,
        stored_paper: store.StoredPaper,
        joined_record: Record,
        item: ListedPaper,
        matches: StoredMatches,
        changes: _PaperChanges,
    ) -> bool:
        """Merge into a stored paper, as a new version where the record changed. True where anything changed.

        `joined_record`: the stored record, with what its duplicates had.
        """
        # anybody may write a feed, also about papers of others
        merged = (
            papers.fill_empty_fields(joined_record, item.record)
            if self._is_feed
            else _merge(joined_record, item.record)
        )
        row: dict[str, Any] = {}
        if merged != stored_paper.record:
            row["revision"] = stored_paper.revision + 1
            row |= {"withdrawn": merged.withdrawn, **_columns_of_record(merged)}
            changes.versions.append(version_row(self.batch, stored_paper.id, stored_paper.revision + 1, merged))
            changes.keys += [(key, stored_paper.id) for key in papers.stored_keys(merged, papers.keys_of(merged))]
            row |= {"arxiv_id": merged.arxiv_id} if merged.arxiv_id != stored_paper.arxiv_id else {}
            row |= {"doi": merged.doi} if merged.doi != stored_paper.doi and matches.claim_doi(merged.doi) else {}
            changes.identifiers += _further_identifiers(stored_paper.id, merged)
        if item.announce_type in _ANNOUNCED and stored_paper.announcement_id is None:
            # so far stored only as a revision, because its own announcement was missed
            row |= {"announcement_id": self.batch.announcement_id, "batch_id": self.batch.id}
        if item.record.pmid not in (None, merged.pmid):
            changes.identifiers.append((pmid_identifier(item.record), stored_paper.id))
        if _is_stronger(item.announce_type, stored_paper.announce_type):
            row["announce_type"] = item.announce_type
        if row:
            changes.papers.append({**_updatable_columns(stored_paper), **row})
        return bool(row)

    def _write(self, changes: _PaperChanges) -> None:
        paper_writes.update_papers(self.session, changes.papers)
        paper_writes.insert_versions(self.session, changes.versions)
        paper_writes.insert_keys(self.session, changes.keys)
        paper_writes.insert_identifiers(self.session, changes.identifiers)

    def _paper_row(self, item: ListedPaper, matches: StoredMatches) -> dict[str, Any]:
        return {
            "arxiv_id": item.record.arxiv_id,
            "doi": item.record.doi if matches.claim_doi(item.record.doi) else None,
            "announcement_id": None if item.announce_type in _REPLACED else self.batch.announcement_id,
            "batch_id": self.batch.id,
            "revision": 1,
            "withdrawn": item.record.withdrawn,
            "announce_type": item.announce_type,
            **_columns_of_record(item.record),
        }

    def _summary_row(self, paper_id: int, item: ListedPaper) -> dict[str, Any]:
        return {
            "paper_id": paper_id,
            "source": self.batch.source,
            "text": item.summary,
            "taken_at": self.batch.now,
        }

    def _signals(self, paper_id: int, item: ListedPaper) -> Iterable[Mapping[str, Any]]:
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
class _PaperChanges:
    """Rows of one chunk that are still to be written."""

    papers: list[Mapping[str, Any]] = field(default_factory=list)
    versions: list[Mapping[str, Any]] = field(default_factory=list)
    identifiers: list[tuple[str, int]] = field(default_factory=list)
    keys: list[tuple[str, int]] = field(default_factory=list)


def _merge(stored_record: Record, incoming: Record) -> Record:
    """Merge two records; an incoming record without title only adds its other fields."""
    if incoming.title:
        return papers.merge_records(stored_record, incoming)
    doi, preprint_dois = stored_record.doi, stored_record.preprint_dois
    if incoming.preprint_dois:  # it relates a preprint to its published version
        doi, preprint_dois = papers.merge_dois(incoming, stored_record)
    return replace(
        stored_record,
        doi=doi,
        preprint_dois=preprint_dois,
        pmid=stored_record.pmid or incoming.pmid,
        issued=incoming.issued or stored_record.issued,
        withdrawn=stored_record.withdrawn or incoming.withdrawn,
        retracted=stored_record.retracted or incoming.retracted,
        institutions=stored_record.institutions or incoming.institutions,
        venue=stored_record.venue or incoming.venue,
    )


def _without_version(item: ListedPaper) -> ListedPaper:
    """The item as of the first version, so that every later version of the paper's own source replaces it."""
    return item if item.record.version == 1 else replace(item, record=replace(item.record, version=1))


def _further_identifiers(paper_id: int, record: Record) -> list[tuple[str, int]]:
    identifiers = [store.doi_identifier(doi) for doi in record.preprint_dois]
    return [(identifier, paper_id) for identifier in filter(None, [*identifiers, pmid_identifier(record)])]


def _is_stronger(incoming_type: str | None, stored_type: str | None) -> bool:
    return incoming_type is not None and (
        stored_type is None or _ANNOUNCE_TYPES.index(incoming_type) < _ANNOUNCE_TYPES.index(stored_type)
    )


def _updatable_columns(stored_paper: store.StoredPaper) -> dict[str, Any]:
    """The current values of all columns that an update may change: rows of one update must have the same columns."""
    return {
        "id": stored_paper.id,
        "arxiv_id": stored_paper.arxiv_id,
        "doi": stored_paper.doi,
        "announcement_id": stored_paper.announcement_id,
        "batch_id": stored_paper.batch_id,
        "announce_type": stored_paper.announce_type,
        "revision": stored_paper.revision,
        "withdrawn": stored_paper.record.withdrawn,
        "outlets": stored_paper.outlets,
        "language": stored_paper.language,
    }


def _columns_of_record(record: Record) -> dict[str, str]:
    """What is stored of a record beside the paper, so that papers can be left out without reading their records."""
    stated = language_code(record.language or "")
    language = stated or detect_language(f"{record.title}. {record.abstract}")
    return {"outlets": papers.outlet_keys(record), "language": language}
