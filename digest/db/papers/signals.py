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
    found: dict[int, dict[str, float]] = {}
    for paper, name, value in session.execute(statement):
        found.setdefault(paper, {})[name] = value
    return found


def thin_out_snapshots(session: Session, before: datetime, *, after: int, papers: int) -> tuple[int, int | None]:
    """Delete snapshots taken before then, except each counter's first and last one and the best of each day.

    Handles at most `max_papers` papers with ids above `after_paper`. Returns how many rows were deleted, and the paper
    to continue after (None at the end). The best rank is the smallest, the best of other counters the greatest.
    """
    chosen = (
        select(col(Signal.paper_id))
        .where(col(Signal.paper_id) > after, col(Signal.taken_at) < before)
        .group_by(col(Signal.paper_id))
        .order_by(col(Signal.paper_id))
        .limit(papers)
    )
    numbers = list(session.execute(chosen).scalars())
    if not numbers:
        return 0, None
    gone = session.execute(delete(Signal).where(col(Signal.id).in_(_needless(numbers, before))))
    return int(getattr(gone, "rowcount", 0)), int(numbers[-1])


def _needless(papers: Sequence[int], before: datetime) -> Select[tuple[int | None]]:
    """Ids of snapshots taken before then that are neither a counter's first nor its last, nor a day's best."""
    counter = (col(Signal.paper_id), col(Signal.source), col(Signal.name))
    best = case((col(Signal.name) == "rank", -col(Signal.value)), else_=col(Signal.value)).desc()
    taken = col(Signal.taken_at)
    placed = (
        select(
            col(Signal.id).label("id"),
            taken.label("taken"),
            func.row_number().over(partition_by=counter, order_by=taken).label("first"),
            func.row_number().over(partition_by=counter, order_by=taken.desc()).label("last"),
            func.row_number().over(partition_by=(*counter, func.date(taken)), order_by=(best, taken)).label("place"),
        )
        .where(col(Signal.paper_id).in_(papers))
        .subquery()
    )
    return select(placed.c.id).where(placed.c.taken < before, placed.c.first > 1, placed.c.last > 1, placed.c.place > 1)


def signal_history(session: Session, papers: Iterable[int], name: str, at: datetime) -> dict[int, list[float]]:
    """For each paper the values of one counter taken until `at`, oldest first, from the source of the newest value."""
    statement = (
        select(col(Signal.paper_id), col(Signal.source), col(Signal.value))
        .where(
            in_values(session, col(Signal.paper_id), list(papers)), col(Signal.name) == name, col(Signal.taken_at) <= at
        )
        .order_by(col(Signal.taken_at))
    )
    found: dict[int, dict[str, list[float]]] = {}
    last: dict[int, str] = {}
    for paper, source, value in session.execute(statement):
        found.setdefault(paper, {}).setdefault(source, []).append(value)
        last[paper] = source
    return {paper: values[last[paper]] for paper, values in found.items()}
