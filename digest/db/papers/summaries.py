"""One-line summaries of papers as stored: the first that each source gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_ignore
from digest.models import PaperSummary
from digest.papers import ORIGINS, Summary

_ORDER = tuple(ORIGINS)


def insert_summaries(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store summaries, skipping those of papers that have one from that source."""
    insert_ignore(session, PaperSummary, rows)


def summaries_of(session: Session, papers: Sequence[int]) -> dict[int, list[Summary]]:
    """The summaries of each paper that has any, in the order of ORIGINS."""
    if not papers:
        return {}
    columns = (PaperSummary.paper_id, PaperSummary.source, PaperSummary.text, PaperSummary.taken_at)
    statement = select(*map(col, columns)).where(in_values(session, col(PaperSummary.paper_id), papers))
    found: dict[int, list[Summary]] = {}
    for paper, *values in session.execute(statement):
        found.setdefault(paper, []).append(Summary(*values))
    for summaries in found.values():
        summaries.sort(key=_preference)
    return found


def _preference(summary: Summary) -> tuple[int, str]:
    return _ORDER.index(summary.source) if summary.source in _ORDER else len(_ORDER), summary.source
