"""Deletes old papers, with everything that is stored about them."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Column, delete, func, or_, select
from sqlmodel import Session, SQLModel, col

from digest import clock
from digest.db.core.dialect import in_values
from digest.models import Batch, Paper, PaperKey, PaperVersion

PAPERS_PER_CALL = 500


def delete_older(session: Session, *, before: date, limit: int = PAPERS_PER_CALL) -> int:
    """Delete papers announced before that day and not changed since, oldest first. Returns how many.

    Papers that people chose (examples, feedback) stay, and those that such papers were merged into. So do the newest
    paper and version, because SQLite assigns ids after the largest existing one and editions and the search index name
    papers by id. Repeat while it is `limit`.
    """
    moment = datetime.combine(before, time(0), tzinfo=clock.ARXIV_ZONE)
    newest_batch = select(func.min(col(Batch.id))).where(col(Batch.known_at) >= moment).scalar_subquery()
    is_old = or_(col(Paper.announcement_id).is_(None), col(Paper.announcement_id) < before.toordinal())
    newest_version = select(func.max(col(PaperVersion.id))).scalar_subquery()
    recent_papers = select(col(PaperVersion.paper_id)).where(
        or_(col(PaperVersion.batch_id) >= newest_batch, col(PaperVersion.id) == newest_version)
    )
    statement = select(col(Paper.id)).where(
        is_old,
        col(Paper.id) < select(func.max(col(Paper.id))).scalar_subquery(),
        col(Paper.batch_id) < newest_batch,
        col(Paper.id).not_in(recent_papers),
        col(Paper.id).not_in(select(col(Paper.merged_into)).where(col(Paper.merged_into).is_not(None))),
        *(
            col(Paper.id).not_in(select(column).where(column.is_not(None)))
            for column in _references(by_subscribers=True)
        ),
    )
    paper_ids = [int(number) for number in session.execute(statement.order_by(col(Paper.id)).limit(limit)).scalars()]
    if paper_ids:
        for column in _references(by_subscribers=False):
            session.execute(delete(column.table).where(in_values(session, column, paper_ids)))
        session.execute(delete(PaperKey).where(in_values(session, col(PaperKey.paper_id), paper_ids)))
        session.execute(delete(Paper).where(in_values(session, col(Paper.id), paper_ids)))
    return len(paper_ids)


def _references(*, by_subscribers: bool) -> list[Column[Any]]:
    """The columns that refer to a paper: of tables in which a person chose it, or of those that only describe it."""
    return [
        key.parent
        for table in SQLModel.metadata.tables.values()
        for key in table.foreign_keys
        if key.target_fullname == "paper.id" and ("subscriber_id" in table.c) == by_subscribers
    ]
