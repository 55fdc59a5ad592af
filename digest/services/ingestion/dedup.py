"""Finds which records are stored already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from digest import papers
from digest.db.papers import papers as store
from digest.papers import ListedPaper, Record


class StoredMatches:
    """Stored papers for the records of a chunk: matched by identifier, else by a shared key and comparison.

    Two arXiv papers may carry one DOI (two parts published as one): the first keeps it.
    """

    def __init__(self, session: Session, listed: Sequence[ListedPaper]) -> None:
        records = [item.record for item in listed]
        ids = [papers.arxiv_identity(record) for record in records]
        dois = [record.doi for record in records if record.doi]
        by_id, self._by_doi = store.find_by_identifiers(session, [i for i in ids if i], dois)
        self._claimed_dois: set[str] = set()
        self.paper_ids: dict[int, int | None] = {
            index: by_id.get(arxiv_id or "") or self._match_by_doi(record, arxiv_id)
            for index, (arxiv_id, record) in enumerate(zip(ids, records, strict=True))
        }
        missing = {
            index: listed[index]
            for index, paper_id in self.paper_ids.items()
            if paper_id is None and records[index].title
        }
        self.stored = store.stored_papers(
            session, {paper_id for paper_id in self.paper_ids.values() if paper_id is not None}
        )
        self._match_by_similarity(session, missing)

    def claim_doi(self, doi: str | None) -> bool:
        """Claim a DOI: True once for a DOI that no paper has."""
        if not doi or doi in self._by_doi or doi in self._claimed_dois:
            return False
        self._claimed_dois.add(doi)
        return True

    def _match_by_doi(self, record: Record, arxiv_id: str | None) -> int | None:
        paper_id, stored_arxiv_id = self._by_doi.get(record.doi or "", (None, None))
        return paper_id if not (arxiv_id and stored_arxiv_id) or arxiv_id == stored_arxiv_id else None

    def _match_by_similarity(self, session: Session, missing: Mapping[int, ListedPaper]) -> None:
        self.keys = {index: item.keys or papers.keys_of(item.record) for index, item in missing.items()}
        keys = {index: papers.lookup_keys(missing[index].record, paper_keys) for index, paper_keys in self.keys.items()}
        by_key = store.find_by_keys(session, {key for paper_keys in keys.values() for key in paper_keys})
        if not by_key:
            return
        candidates = store.stored_papers(session, {paper_id for paper_ids in by_key.values() for paper_id in paper_ids})
        for index, paper_keys in keys.items():
            candidate_ids = sorted({paper_id for key in paper_keys for paper_id in by_key.get(key, ())})
            record = missing[index].record
            self.paper_ids[index] = next(
                (paper_id for paper_id in candidate_ids if papers.is_same_paper(candidates[paper_id].record, record)),
                None,
            )
        self.stored |= {
            paper_id: candidates[paper_id] for paper_id in self.paper_ids.values() if paper_id in candidates
        }
