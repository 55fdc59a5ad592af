"""Finds which records are stored already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from digest import papers
from digest.db.papers import papers as store
from digest.db.papers.papers import StoredPaper
from digest.papers import ListedPaper, Record


class StoredMatches:
    """Stored papers for the records of a chunk: matched by identifier, else by a shared key and comparison.

    Two arXiv papers may carry one DOI (two parts published as one): the first keeps it. `duplicates`: pairs of stored
    papers that a record shows to be versions of one, the earlier announced first.
    """

    def __init__(self, session: Session, listed: Sequence[ListedPaper]) -> None:
        records = [item.record for item in listed]
        self._find_identifiers(session, records)
        candidates_by_index = {index: self._identified(record) for index, record in enumerate(records)}
        self.stored = store.stored_papers(session, {i for ids in candidates_by_index.values() for i in ids})
        self._claimed_dois: set[str] = set()
        self.duplicates: list[tuple[int, int]] = []
        self.paper_ids: dict[int, int | None] = {
            index: self._match(records[index], candidates) for index, candidates in candidates_by_index.items()
        }
        missing = {
            index: listed[index]
            for index, paper_id in self.paper_ids.items()
            if paper_id is None and records[index].title
        }
        self._match_by_similarity(session, missing)

    def claim_doi(self, doi: str | None) -> bool:
        """Claim a DOI: True once for a DOI that no paper has."""
        if not doi or doi in self._by_doi or doi in self._claimed_dois:
            return False
        self._claimed_dois.add(doi)
        return True

    def release_doi(self, doi: str | None) -> None:
        """Let another paper claim a DOI."""
        self._by_doi.pop(doi or "", None)

    def _find_identifiers(self, session: Session, records: Sequence[Record]) -> None:
        ids = {i for record in records if (i := papers.arxiv_identity(record))}
        dois = {doi for record in records for doi in (record.doi, *record.preprint_dois) if doi}
        pmids = {pmid_identifier(record) for record in records if record.pmid}
        self._by_id, self._by_doi = store.find_by_identifiers(session, list(ids), list(dois))
        self._by_pmid = store.find_by_further_identifiers(session, pmids)

    def _identified(self, record: Record) -> list[int]:
        """The stored papers with one of the record's identifiers: by arXiv id, then by PMID and DOIs.

        A paper of another arXiv id is none of them.
        """
        arxiv_id = papers.arxiv_identity(record)
        matches: list[tuple[int, str | None]] = []
        if arxiv_id and arxiv_id in self._by_id:
            matches.append((self._by_id[arxiv_id], arxiv_id))
        matches += [self._by_pmid[key]] if (key := pmid_identifier(record)) in self._by_pmid else []
        matches += [self._by_doi[doi] for doi in (record.doi, *record.preprint_dois) if doi in self._by_doi]
        return list(
            dict.fromkeys(
                paper_id
                for paper_id, stored_arxiv_id in matches
                if not (arxiv_id and stored_arxiv_id) or arxiv_id == stored_arxiv_id
            )
        )

    def _match(self, record: Record, candidates: Sequence[int]) -> int | None:
        """The stored paper that the record updates. Others with its identifiers become duplicates of that one."""
        candidate_papers = [self.stored[paper_id] for paper_id in candidates]
        matching = [paper for paper in candidate_papers if _is_version(paper, record)]
        if len(matching) < 2:
            return matching[0].id if matching else None
        survivor = min(matching, key=_announcement_order)
        for paper in matching:
            has_other_id = paper.arxiv_id and survivor.arxiv_id
            if (
                paper.id != survivor.id
                and not has_other_id
                and papers.is_plausible_version(paper.record, survivor.record)
            ):
                self.duplicates.append((survivor.id, paper.id))
        return survivor.id

    def _match_by_similarity(self, session: Session, missing: Mapping[int, ListedPaper]) -> None:
        self.keys = {index: item.keys or papers.keys_of(item.record) for index, item in missing.items()}
        keys = {index: papers.lookup_keys(missing[index].record, paper_keys) for index, paper_keys in self.keys.items()}
        by_key = store.find_by_keys(session, {key for paper_keys in keys.values() for key in paper_keys})
        if not by_key:
            return
        candidates = store.stored_papers(session, {paper_id for paper_ids in by_key.values() for paper_id in paper_ids})
        for index, paper_keys in keys.items():
            candidate_ids = sorted(
                {paper_id for key in paper_keys for paper_id in by_key.get(key, ())} & candidates.keys()
            )
            record = missing[index].record
            self.paper_ids[index] = next(
                (paper_id for paper_id in candidate_ids if papers.is_same_paper(candidates[paper_id].record, record)),
                None,
            )
        self.stored |= {
            paper_id: candidates[paper_id] for paper_id in self.paper_ids.values() if paper_id in candidates
        }


def pmid_identifier(record: Record) -> str:
    """The `PaperIdentifier` of the record's PMID, '' for none."""
    return f"pmid:{record.pmid}" if record.pmid else ""


def _is_version(stored_paper: StoredPaper, record: Record) -> bool:
    """True unless the record only claims, by the DOI of another version, to be of a paper that is surely another."""
    identifiers = (
        (papers.arxiv_identity(record), stored_paper.arxiv_id),
        (record.doi, stored_paper.doi),
        (record.pmid, stored_paper.record.pmid),
    )
    return any(own is not None and own == other for own, other in identifiers) or papers.is_plausible_version(
        stored_paper.record, record
    )


def _announcement_order(paper: StoredPaper) -> tuple[bool, int, int]:
    return paper.announcement_id is None, paper.announcement_id or 0, paper.id
