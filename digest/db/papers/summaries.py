"""One-line summaries of papers as stored: the first that each source gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_ignore
from digest.models import PaperSummary
from digest.papers import Summary


def insert_summaries(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store summaries, skipping those of papers that have one from that source."""
    insert_ignore(session, PaperSummary, rows)


def summaries_of(session: Session, papers: Sequence[int], origins: Mapping[str, str]) -> dict[int, list[Summary]]:
    """The summaries of each paper that has any, in the order of `origins`: source names, and what people call them.

    Summaries of other sources are left out.
    """
    if not papers:
        return {}
    columns = (PaperSummary.paper_id, PaperSummary.source, PaperSummary.text, PaperSummary.taken_at)
    statement = select(*map(col, columns)).where(in_values(session, col(PaperSummary.paper_id), papers))
    by_source: dict[str, dict[int, Summary]] = {source: {} for source in origins}
    for paper, source, text, taken_at in session.execute(statement):
        if source in by_source:
            by_source[source][paper] = Summary(origins[source], text, taken_at)
    summaries: dict[int, list[Summary]] = {}
    for by_paper in by_source.values():
        for paper, summary in by_paper.items():
            summaries.setdefault(paper, []).append(summary)
    return summaries
