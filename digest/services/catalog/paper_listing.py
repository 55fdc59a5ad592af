"""A list of papers by their identifiers, with comments and venues."""

from __future__ import annotations

from collections.abc import Sequence

from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.models.types import stored_id
from digest.papers import Record
from digest.services.catalog import novelty_and_score, paper_lookup
from digest.services.catalog.page_schemas import ListingPage
from digest.services.catalog.paper_presenters import present_row


def listing(identifiers: Sequence[str], *, start: int = 0, limit: int) -> ListingPage:
    """`limit` of the papers with these identifiers, in their order, from position `start` on."""
    identified = paper_lookup.find_papers(identifiers)
    records = listed_records(identified.paper_ids[start : start + limit])
    with reading() as session:
        figures_by_id = novelty_and_score.figures_of(session, records, {})
    rows = tuple(present_row(paper_id, record, figures=figures_by_id[paper_id]) for paper_id, record in records.items())
    return ListingPage(tuple(identifiers), rows, identified.unknown, len(identified.paper_ids))


def listed_records(paper_ids: Sequence[int]) -> dict[int, Record]:
    """The newest records of these papers, in their order."""
    with reading() as session:
        return {stored_id(paper): record for paper, record in store.newest_versions_chunked(session, paper_ids)}
