"""The state of the sources: stored days, and the result of the last attempt."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from digest.models.types import UTCDateTime


class SourceDay(SQLModel, table=True):
    """A stored day of a source, written in the transaction that stored it. Without a row the day may be incomplete.

    `final` is False where the source may still add to the day; then it is fetched again.
    """

    __tablename__ = "source_day"
    __table_args__ = (Index("ix_source_day_day", "day"),)

    source: str = Field(primary_key=True, max_length=40)
    day: date = Field(primary_key=True)
    stored_at: datetime = Field(sa_type=UTCDateTime)
    papers: int
    final: bool = True


class SourceState(SQLModel, table=True):
    """The last attempt at a source. `outcome`: '' for success, or late, partial, stale, down; `failures`: in a row.

    `retry_at`: the source asked for no request before then.
    """

    __tablename__ = "source_state"

    source: str = Field(primary_key=True, max_length=40)
    attempted_at: datetime = Field(sa_type=UTCDateTime)
    succeeded_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    retry_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    outcome: str = Field(default="", max_length=10)
    detail: str = Field(default="", max_length=300)
    failures: int = 0
