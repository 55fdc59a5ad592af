"""Runs, their shards, and their editions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from digest.models.types import BigIntegerId, CompressedText, UTCDateTime

PLANNED, COMPLETE, PAUSED, CANCELLED = "planned", "complete", "paused", "cancelled"


class Run(SQLModel, table=True):
    """All editions of one slot, a quarter of an hour in UTC, which is unique.

    `batch_through`, `signals_at`: the newest batch and signals that it uses. `notice`: a line for its mails about a
    missing announcement.
    """

    id: int | None = Field(default=None, primary_key=True)
    slot: datetime = Field(sa_type=UTCDateTime, unique=True)
    created_at: datetime = Field(sa_type=UTCDateTime)
    signals_at: datetime = Field(sa_type=UTCDateTime)
    batch_through: int
    announcement_id: int
    epoch_id: int | None = Field(default=None, foreign_key="epoch.id")
    state: str = Field(default=PLANNED, max_length=10)
    notice: str = Field(default="", max_length=300)


class Shard(SQLModel, table=True):
    """A part of a run: subscribers with ids from `first` to `last`. Finished in one transaction with its editions.

    Without `day` it takes the subscribers due at the run's slot; with it all whose slot on that date is the run's.
    """

    __table_args__ = (UniqueConstraint("run_id", "number"), Index("ix_shard_done", "done_at"))

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE")
    number: int
    first: int
    last: int
    day: date | None = None
    done_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    readers: int = 0
    skipped: int = 0
    papers: int = 0


class Edition(SQLModel, table=True):
    """One subscriber's papers for one local date; they never change. (subscriber, day) is unique.

    It has no foreign keys, because checking them for each row is slow; the writer locks the subscriber and the run.
    `content` is `compose.edition.Content` as JSON, compact: paper ids and revisions, scores, masks, signals shown.
    `shown`: the ids of its papers, four bytes each, little-endian; None in editions older than that column.
    `previous_seen` restores the subscriber's `seen_through` when the newest edition is cancelled.
    """

    __table_args__ = (
        UniqueConstraint("subscriber_id", "day"),
        Index("ix_edition_run", "run_id"),
        {"sqlite_autoincrement": True},  # ids are not reused: old links and Message-IDs contain them
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigIntegerId)
    subscriber_id: int
    day: date
    run_id: int | None = None
    announcement_id: int
    profile_id: int
    created_at: datetime = Field(sa_type=UTCDateTime)
    previous_seen: int
    kind: str = Field(default="digest", max_length=12)
    cancelled: bool = False
    papers: int = 0
    content: Any = Field(sa_type=CompressedText)
    shown: bytes | None = None
