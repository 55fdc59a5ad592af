"""The version of the stored papers: public pages change only with it."""

from __future__ import annotations

from collections.abc import Hashable

from sqlalchemy import Connection, func, select
from sqlmodel import col

from digest.models import AuthorFigure, Batch, Novelty, PaperSummary, Signal

_NEWEST_PAPERS = 2000  # whose novelty and summaries are counted: they may be stored after the papers
_NEWEST_NOVELTY = select(func.coalesce(func.max(col(Novelty.paper_id)), 0)).scalar_subquery()
_NEWEST_SUMMARY = select(func.coalesce(func.max(col(PaperSummary.paper_id)), 0)).scalar_subquery()
_PAPERS_AND_SIGNALS = (
    select(func.coalesce(func.max(col(Batch.id)), 0)).scalar_subquery(),
    select(func.coalesce(func.max(col(Signal.id)), 0)).scalar_subquery(),
    select(func.max(col(Signal.taken_at))).scalar_subquery(),
)
_STATEMENT = select(
    *_PAPERS_AND_SIGNALS,
    _NEWEST_SUMMARY,
    select(func.count()).where(col(PaperSummary.paper_id) > _NEWEST_SUMMARY - _NEWEST_PAPERS).scalar_subquery(),
    _NEWEST_NOVELTY,
    select(func.count()).where(col(Novelty.paper_id) > _NEWEST_NOVELTY - _NEWEST_PAPERS).scalar_subquery(),
    select(func.coalesce(func.max(col(AuthorFigure.id)), 0)).scalar_subquery(),
)


def catalog_version(connection: Connection) -> tuple[Hashable, ...]:
    """Values that change with papers, signals, summaries, novelty and authors' figures.

    Every change of papers has a batch; signals and summaries may come without one. Two changes are not seen: a figure
    of a known author that changes without any paper, and novelty or summaries of papers older than the newest 2,000.
    """
    return tuple(connection.execute(_STATEMENT).one())


def signals_version(connection: Connection) -> tuple[Hashable, ...]:
    """Values that change with papers and signals, which may come without a batch."""
    return tuple(connection.execute(select(*_PAPERS_AND_SIGNALS)).one())
