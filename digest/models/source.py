"""What is known of the sources: which days of each are stored, and how the last attempt went."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from digest.models.types import UTCDateTime


class SourceDay(SQLModel, table=True):
    """A day of a source that is stored, written in the transaction that stored it. No row: nothing is claimed of it.

    `final` is False where the source may still add to the day; then it is asked for once more.
    """

    __tablename__ = "source_day"
    __table_args__ = (Index("ix_source_day_day", "day"),)

    source: str = Field(primary_key=True, max_length=40)
    day: date = Field(primary_key=True)
    stored_at: datetime = Field(sa_type=UTCDateTime)
    papers: int
    final: bool = True


class SourceState(SQLModel, table=True):
    """How the last attempt at a source went. `outcome`: empty, or late, partial, stale, down; `failures`: in a row.

    `retry_at`: the source asked not to be asked before.
    """

    __tablename__ = "source_state"

    source: str = Field(primary_key=True, max_length=40)
    attempted_at: datetime = Field(sa_type=UTCDateTime)
    succeeded_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    retry_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    outcome: str = Field(default="", max_length=10)
    detail: str = Field(default="", max_length=300)
    failures: int = 0
