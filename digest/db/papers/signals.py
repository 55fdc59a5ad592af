"""Signals as stored: the newest value of each counter, as of an instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Select, case, delete, func, select
from sqlmodel import Session, col

from digest.db.core.dialect import in_values
from digest.models import Signal


def signals_at(session: Session, papers: Iterable[int], at: datetime) -> dict[int, dict[str, float]]:
    """Per paper the newest value of each counter not taken after `at`; a missing one is unknown."""
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
    """Of snapshots taken before then keep each paper's first and last of a counter, and each day's best.

    Works on that many papers with numbers above `after`; returns how many rows went, and the paper to go on from.
    The best of a rank is the least, of all else the greatest.
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
    """The snapshots taken before then that are neither a counter's first nor its last, nor a day's best."""
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
    """Per paper the values of one counter, oldest first, none taken after `at`; of the source that spoke last."""
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
