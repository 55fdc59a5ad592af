"""Stored signals: the newest value of each counter as of an instant, its history, thinning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Select, case, delete, func, select
from sqlmodel import Session, col

from digest.db.core.dialect import in_values
from digest.models import Signal


def signals_at(session: Session, papers: Iterable[int], at: datetime) -> dict[int, dict[str, float]]:
    """For each paper the newest value of each counter taken until `at`; a missing counter is unknown."""
    statement = (
        select(col(Signal.paper_id), col(Signal.name), col(Signal.value))
        .where(in_values(session, col(Signal.paper_id), list(papers)), col(Signal.taken_at) <= at)
        .order_by(col(Signal.taken_at))
    )
    values_by_paper: dict[int, dict[str, float]] = {}
    for paper, name, value in session.execute(statement):
        values_by_paper.setdefault(paper, {})[name] = value
    return values_by_paper


def thin_out_snapshots(
    session: Session, before: datetime, *, after_paper: int, max_papers: int
) -> tuple[int, int | None]:
    """Delete snapshots taken before then, except each counter's first and last one and the best of each day.

    Handles at most `max_papers` papers with ids above `after_paper`. Returns how many rows were deleted, and the paper
    to continue after (None at the end). The best rank is the smallest, the best of other counters the greatest.
    """
    next_papers = (
        select(col(Signal.paper_id))
        .where(col(Signal.paper_id) > after_paper, col(Signal.taken_at) < before)
        .group_by(col(Signal.paper_id))
        .order_by(col(Signal.paper_id))
        .limit(max_papers)
    )
    paper_ids = list(session.execute(next_papers).scalars())
    if not paper_ids:
        return 0, None
    deleted = session.execute(delete(Signal).where(col(Signal.id).in_(_superfluous_snapshots(paper_ids, before))))
    return int(getattr(deleted, "rowcount", 0)), int(paper_ids[-1])


def _superfluous_snapshots(papers: Sequence[int], before: datetime) -> Select[tuple[int | None]]:
    """Ids of snapshots taken before then that are neither a counter's first nor its last, nor a day's best."""
    counter = (col(Signal.paper_id), col(Signal.source), col(Signal.name))
    best = case((col(Signal.name) == "rank", -col(Signal.value)), else_=col(Signal.value)).desc()
    taken_at = col(Signal.taken_at)
    ranked = (
        select(
            col(Signal.id).label("id"),
            taken_at.label("taken"),
            func.row_number().over(partition_by=counter, order_by=taken_at).label("first"),
            func.row_number().over(partition_by=counter, order_by=taken_at.desc()).label("last"),
            func.row_number()
            .over(partition_by=(*counter, func.date(taken_at)), order_by=(best, taken_at))
            .label("place"),
        )
        .where(col(Signal.paper_id).in_(papers))
        .subquery()
    )
    return select(ranked.c.id).where(ranked.c.taken < before, ranked.c.first > 1, ranked.c.last > 1, ranked.c.place > 1)


def signal_history(session: Session, papers: Iterable[int], name: str, at: datetime) -> dict[int, list[float]]:
    """For each paper the values of one counter taken until `at`, oldest first, from the source of the newest value."""
    statement = (
        select(col(Signal.paper_id), col(Signal.source), col(Signal.value))
        .where(
            in_values(session, col(Signal.paper_id), list(papers)), col(Signal.name) == name, col(Signal.taken_at) <= at
        )
        .order_by(col(Signal.taken_at))
    )
    values_by_source: dict[int, dict[str, list[float]]] = {}
    newest_source: dict[int, str] = {}
    for paper, source, value in session.execute(statement):
        values_by_source.setdefault(paper, {}).setdefault(source, []).append(value)
        newest_source[paper] = source
    return {paper: values[newest_source[paper]] for paper, values in values_by_source.items()}
