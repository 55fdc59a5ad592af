"""The state of the sources: stored days, and the result of the last attempt."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
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


class SourcePause(SQLModel, table=True):
    """A source that an administrator paused: it is not fetched until it is resumed."""

    __tablename__ = "source_pause"

    source: str = Field(primary_key=True, max_length=40)
    paused_at: datetime = Field(sa_type=UTCDateTime)


class FeedSource(SQLModel, table=True):
    """A feed that an administrator added as a source. `title`: what people call it; `subject`: of papers without any.

    `etag`, `last_modified`: of the last answer, for the next request. `confirmed_at`: None until an administrator has
    seen that its papers are right; until then only some of them are mailed a day. `former_url`: its address before the
    last permanent redirect, '' for none.
    """

    __tablename__ = "feed_source"

    name: str = Field(primary_key=True, max_length=40)
    title: str = Field(max_length=200)
    url: str = Field(max_length=2000)
    subject: str = Field(default="", max_length=40)
    max_a_day: int | None = None
    etag: str = Field(default="", max_length=400)
    last_modified: str = Field(default="", max_length=100)
    added_at: datetime = Field(sa_type=UTCDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    former_url: str = Field(default="", max_length=2000, sa_column_kwargs={"server_default": ""})


class FeedItem(SQLModel, table=True):
    """An entry of a feed that was seen. `key`: of its identity, `text_key`: of title, authors and date.

    `state`: `announced`, `held` (over the limit of its day), `backlog` (older than the feed is here), `left-out`;
    `day`: of the state. `record`: the paper while it is held, which is stored nowhere else.
    """

    __tablename__ = "feed_item"
    __table_args__ = (
        Index("ix_feed_item_text", "source", "text_key"),
        Index("ix_feed_item_day", "source", "state", "day"),
    )

    source: str = Field(primary_key=True, max_length=40)
    key: str = Field(primary_key=True, max_length=32)
    text_key: str = Field(max_length=32)
    state: str = Field(max_length=10)
    day: date
    record: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))


class CrossrefLookup(SQLModel, table=True):
    """A DOI that Crossref was asked about. `has_abstract`: whether it had one."""

    __tablename__ = "crossref_lookup"

    doi: str = Field(primary_key=True, max_length=250)
    asked_at: datetime = Field(sa_type=UTCDateTime)
    has_abstract: bool
