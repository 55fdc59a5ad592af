"""Keeps the search index up to date: after papers were stored, and for papers from before there was an index."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from digest import logs
from digest.db.core.engine import reading, transaction
from digest.db.papers import search_index
from digest.db.papers.search_index import IndexedPaper, UnindexedPaper
from digest.matching.profile import Candidate
from digest.matching.scoring.boolean_match import prepare_document
from digest.matching.scoring.index_terms import document_terms
from digest.services.search.facets import PaperFacets
from digest.text.tokens import TERM_RULES

log = logs.get(__name__)

_PAPERS_PER_STEP = 400


@dataclass(frozen=True, slots=True)
class IndexingResult:
    """How many papers were added to the index. `is_incomplete`: the time limit came first."""

    papers: int = 0
    is_incomplete: bool = False


def index_papers(*, seconds: float | None = None) -> IndexingResult:
    """Add the papers that the search index lacks, newest first, for about `seconds`.

    Safe to run twice and at once: each step stores what is still missing. With other rules the index is built again.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    _prepare_index()
    indexed = 0
    while True:
        with reading() as session:
            papers = search_index.unindexed_papers(session, _PAPERS_PER_STEP)
        if not papers:
            break
        indexed += _store(papers)
        if deadline is not None and time.monotonic() > deadline:
            return IndexingResult(indexed, is_incomplete=True)
    if indexed:
        with transaction() as session:
            search_index.finish_index(session)
        log.info("papers_indexed", papers=indexed)
    return IndexingResult(indexed)


def _prepare_index() -> None:
    with transaction() as session:
        search_index.lock_index(session)
        if search_index.stored_rules(session) not in {None, TERM_RULES}:
            search_index.clear(session)
        search_index.remove_withdrawn(session)


def _store(papers: Sequence[UnindexedPaper]) -> int:
    rows = [_indexed(paper) for paper in papers]
    with transaction() as session:
        search_index.lock_index(session)
        return search_index.store(session, rows, TERM_RULES)


def _indexed(paper: UnindexedPaper) -> IndexedPaper:
    record = paper.record
    document = prepare_document(Candidate(paper.paper_id, record, paper.announcement_id or 0))
    published = record.published.toordinal() if record.published else 0
    has_code = record.has_code or record.code_url is not None
    return IndexedPaper(
        version_id=paper.version_id,
        paper_id=paper.paper_id,
        day=paper.announcement_id or published,
        length=document.length,
        facets=str(PaperFacets(record.categories, paper.sources, has_code=has_code)),
        terms=frozenset(document_terms(document, paper.sources)),
    )
