"""Signals as stored: the newest value of each counter, as of an instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from digest.models import Signal

_CHUNK = 5000


def as_of(session: Session, papers: Iterable[int], at: datetime) -> dict[int, dict[str, float]]:
    """Per paper the newest value of each counter not taken after `at`; a missing one is unknown."""
    numbers: Sequence[int] = list(papers)
    found: dict[int, dict[str, float]] = {}
    for start in range(0, len(numbers), _CHUNK):
        statement = (
            select(col(Signal.paper_id), col(Signal.name), col(Signal.value))
            .where(col(Signal.paper_id).in_(numbers[start : start + _CHUNK]), col(Signal.taken_at) <= at)
            .order_by(col(Signal.taken_at))
        )
        for paper, name, value in session.execute(statement):
            found.setdefault(paper, {})[name] = value
    return found


def history(session: Session, papers: Iterable[int], name: str, at: datetime) -> dict[int, list[float]]:
    """Per paper the values of one counter, oldest first, none taken after `at`; of the source that spoke last."""
    numbers: Sequence[int] = list(papers)
    found: dict[int, dict[str, list[float]]] = {}
    last: dict[int, str] = {}
    for start in range(0, len(numbers), _CHUNK):
        statement = (
            select(col(Signal.paper_id), col(Signal.source), col(Signal.value))
            .where(col(Signal.paper_id).in_(numbers[start : start + _CHUNK]))
            .where(col(Signal.name) == name, col(Signal.taken_at) <= at)
            .order_by(col(Signal.taken_at))
        )
        for paper, source, value in session.execute(statement):
            found.setdefault(paper, {}).setdefault(source, []).append(value)
            last[paper] = source
    return {paper: values[last[paper]] for paper, values in found.items()}
