"""Totals and clocks of an installation, for `digest admin stats` and `digest doctor`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.models import Announcement, Batch, Paper
from digest.models.types import UTCDateTime


def paper_totals(session: Session) -> dict[str, int]:
    """Numbers of stored papers, announcements and ingests."""
    tables = {"papers": Paper, "announcements": Announcement, "ingests": Batch}
    return {name: session.exec(select(func.count()).select_from(table)).one() for name, table in tables.items()}


def database_time(session: Session) -> datetime:
    """The database's clock (UTC)."""
    return session.exec(select(func.current_timestamp(type_=UTCDateTime()))).one()


def newest_batch_at(session: Session) -> datetime | None:
    """When the newest ingest began; None before the first."""
    return session.exec(select(func.max(col(Batch.started_at)))).one()


def papers_by_source(session: Session) -> dict[str, int]:
    """How many papers were new in all ingests of each source."""
    query = select(Batch.source, func.sum(Batch.new)).group_by(Batch.source).order_by(Batch.source)
    return {source: int(new) for source, new in session.exec(query)}
