"""One-line summaries of papers as stored: the first that each source gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_ignore
from digest.models import Paper, PaperSummary
from digest.papers import OWN_PREFIX, Summary, own_origin


def insert_summaries(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store summaries, skipping those of papers that have one from that source."""
    insert_ignore(session, PaperSummary, rows)


def copy_summaries(session: Session, paper: int, other: int) -> None:
    """Give another paper the summaries of a paper, with their sources, where it has none of them."""
    columns = ("source", "text", "taken_at")
    statement = select(*(col(getattr(PaperSummary, name)) for name in columns)).where(
        col(PaperSummary.paper_id) == paper
    )
    rows = [dict(zip(columns, row, strict=True)) for row in session.execute(statement)]
    insert_summaries(session, [{"paper_id": other, **row} for row in rows])


def summaries_of(session: Session, papers: Sequence[int], origins: Mapping[str, str]) -> dict[int, list[Summary]]:
    """The summaries of each paper that has any, in the order of `origins`: source names, and what people call them.

    Sources are in the order of `sources/registry.py`. Last come those of the administrator's own endpoint.
    Summaries of other sources are left out.
    """
    if not papers:
        return {}
    columns = (PaperSummary.paper_id, PaperSummary.source, PaperSummary.text, PaperSummary.taken_at)
    statement = select(*map(col, columns)).where(in_values(session, col(PaperSummary.paper_id), papers))
    by_source: dict[str, dict[int, Summary]] = {source: {} for source in origins}
    own: dict[int, Summary] = {}
    for paper, source, text, taken_at in session.execute(statement.order_by(col(PaperSummary.taken_at))):
        if source in by_source:
            by_source[source][paper] = Summary(origins[source], text, taken_at)
        elif text and (model := own_origin(source)):
            own.setdefault(paper, Summary(model, text, taken_at))
    summaries: dict[int, list[Summary]] = {}
    for by_paper in (*by_source.values(), own):
        for paper, summary in by_paper.items():
            summaries.setdefault(paper, []).append(summary)
    return summaries


def papers_without_summary(session: Session, since_announcement: int, *, limit: int) -> list[tuple[int, int]]:
    """(paper, revision) of papers announced since then that no source has a summary of, newest announcement first.

    A summary without text counts: it says that the paper was given up.
    """
    summarized = exists().where(col(PaperSummary.paper_id) == col(Paper.id))
    statement = (
        select(col(Paper.id), col(Paper.revision))
        .where(col(Paper.announcement_id) >= since_announcement, col(Paper.withdrawn).is_(False), ~summarized)
        .order_by(col(Paper.announcement_id).desc(), col(Paper.id))
        .limit(limit)
    )
    return [(paper_id, revision) for paper_id, revision in session.execute(statement)]


def count_own_since(session: Session, since: datetime) -> int:
    """How many papers the administrator's own endpoint was asked about since then."""
    statement = (
        select(func.count())
        .select_from(PaperSummary)
        .where(col(PaperSummary.source).startswith(OWN_PREFIX), col(PaperSummary.taken_at) >= since)
    )
    return int(session.execute(statement).scalar_one())
