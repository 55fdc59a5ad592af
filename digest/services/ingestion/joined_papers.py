"""Joins stored papers that a later record shows to be versions of one paper, such as a preprint and its article.

The paper that was announced first stays, so that subscribers who got it do not get the other. The other one is not
shown any more, except in the editions that had it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from digest import papers
from digest.db.papers import paper_writes, summaries
from digest.db.papers import papers as store
from digest.db.papers.papers import StoredPaper
from digest.papers import Record
from digest.services.ingestion.batch_writer import BatchWriter
from digest.services.ingestion.dedup import StoredMatches


class JoinedPapers:
    """The duplicates among a chunk's stored papers, joined: `survivors` by duplicate, `records` by survivor.

    The survivors' rows and versions are still to be written.
    """

    def __init__(self, batch: BatchWriter, matches: StoredMatches) -> None:
        self.survivors: dict[int, int] = {}
        self.records: dict[int, Record] = {}
        for survivor, duplicate in matches.duplicates:
            if not {survivor, duplicate} & self.survivors.keys() and duplicate not in self.records:
                self._join(batch, matches.stored, survivor, duplicate)
                matches.release_doi(matches.stored[duplicate].doi)

    def _join(
        self, batch: BatchWriter, stored_papers: Mapping[int, StoredPaper], survivor: int, duplicate: int
    ) -> None:
        old = stored_papers[duplicate]
        revision = old.revision + 1
        hidden = version_row(batch, duplicate, revision, replace(old.record, withdrawn=True))
        paper_writes.insert_versions(batch.session, [hidden])
        paper_writes.merge_paper(batch.session, duplicate, survivor, revision=revision)
        summaries.copy_summaries(batch.session, duplicate, survivor)
        self.survivors[duplicate] = survivor
        self.records[survivor] = papers.merge_records(
            self.records.get(survivor, stored_papers[survivor].record), old.record
        )


def version_row(batch: BatchWriter, paper_id: int, revision: int, record: Record) -> dict[str, object]:
    """The row of a paper's new version."""
    return {
        "paper_id": paper_id,
        "revision": revision,
        "batch_id": batch.id,
        "title": record.title,
        "abstract": record.abstract,
        "detail": store.to_detail(record),
    }
