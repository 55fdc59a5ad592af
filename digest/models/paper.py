"""Papers, their versions and signals, and the announcements and ingest batches they came with."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from digest.models.types import BigIntegerId, UTCDateTime

_MERGED = text("merged_into IS NOT NULL")


class Announcement(SQLModel, table=True):
    """One announcement of arXiv's calendar. Its id is the day's proleptic Gregorian ordinal, so ids sort by date."""

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    day: date = Field(unique=True)


class Batch(SQLModel, table=True):
    """One ingest of a source. `known_at`: from then on its papers may be sent.

    A subscriber's `seen_through` is the id of a batch, so a paper that a source delivers late is still new.
    """

    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(index=True, max_length=40)
    announcement_id: int = Field(foreign_key="announcement.id", index=True)
    started_at: datetime = Field(sa_type=UTCDateTime)
    known_at: datetime = Field(sa_type=UTCDateTime, index=True)
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: int = 0


class Reject(SQLModel, table=True):
    """An item that could not be used, with the newest reason. `batch_id`: of the batch that it first came with.

    `key`: of source, document and item, '' for items stored before there was one. It is stored once: `times_seen` and
    `last_seen_at` (None until it comes again) say how often it came.
    """

    id: int | None = Field(default=None, primary_key=True)
    batch_id: int = Field(foreign_key="batch.id", index=True)
    document: str = Field(max_length=200)
    position: int
    reason: str = Field(max_length=300)
    excerpt: str = Field(max_length=300)
    key: str = Field(default="", max_length=32, index=True, sa_column_kwargs={"server_default": ""})
    times_seen: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    last_seen_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Paper(SQLModel, table=True):
    """One paper. Identity: arXiv id, else DOI, else `papers.is_same_paper` among those that share a `PaperKey`.

    `announcement_id`: the announcement it was new in; None: stored only as a revision or by a signal, never 'new'.
    Announcements and batches are never deleted, so these columns have no foreign keys. `merged_into`: the paper that
    this one turned out to be a version of; then it has no identifiers any more, and is `withdrawn`. `outlets`: keys of
    the outlets of its newest record, separated by blanks; `language`: of its text, '' where it is unknown.
    """

    __table_args__ = (Index("ix_paper_merged_into", "merged_into", sqlite_where=_MERGED, postgresql_where=_MERGED),)

    id: int | None = Field(default=None, primary_key=True)
    arxiv_id: str | None = Field(default=None, unique=True, max_length=40)
    doi: str | None = Field(default=None, unique=True, max_length=250)
    announcement_id: int | None = Field(default=None, index=True)
    batch_id: int = Field(index=True)
    revision: int = 1
    withdrawn: bool = False
    announce_type: str | None = Field(default=None, max_length=13)  # arXiv's term, the strongest of that announcement
    outlets: str = Field(default="", max_length=400, sa_column_kwargs={"server_default": ""})
    language: str = Field(default="", max_length=8, sa_column_kwargs={"server_default": ""})
    merged_into: int | None = None


class PaperIdentifier(SQLModel, table=True):
    """A further identifier of a paper: the DOI of a preprint (`doi:10.…`, in lower case) or a PMID (`pmid:…`)."""

    __tablename__ = "paper_identifier"

    identifier: str = Field(primary_key=True, max_length=260)
    paper_id: int = Field(foreign_key="paper.id", index=True)


class PaperKey(SQLModel, table=True):
    """A key to find a paper without a shared identifier (from title and author, or from the abstract).

    There are about ten for each paper, which are inserted with it; papers stay, so there is no foreign key.
    """

    __tablename__ = "paper_key"
    __table_args__ = ({"sqlite_with_rowid": False},)

    key: str = Field(primary_key=True, max_length=70)
    paper_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})


class PaperVersion(SQLModel, table=True):
    """A paper's record at one time; never changed. (paper, revision) is unique; `Paper.revision` is the newest."""

    __tablename__ = "paper_version"
    __table_args__ = (UniqueConstraint("paper_id", "revision"),)

    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id")
    revision: int
    batch_id: int
    title: str
    abstract: str
    detail: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class Signal(SQLModel, table=True):
    """The value of a paper's counter at a time. Without a row it is unknown, not zero."""

    __table_args__ = (
        UniqueConstraint("paper_id", "source", "name", "taken_at"),
        Index("ix_signal_taken", "taken_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigIntegerId)
    paper_id: int = Field(foreign_key="paper.id")
    source: str = Field(max_length=40)
    name: str = Field(max_length=20)
    taken_at: datetime = Field(sa_type=UTCDateTime)
    value: float


class Novelty(SQLModel, table=True):
    """How different a paper's text was from its field's last 90 days when it was announced, 0 to 100; measured once.

    `nearest_id`: the nearest earlier paper. None: it cannot be measured, because the paper or its field is too small.
    """

    paper_id: int = Field(primary_key=True, foreign_key="paper.id", sa_column_kwargs={"autoincrement": False})
    value: int | None = None
    nearest_id: int | None = None
    made_at: datetime = Field(sa_type=UTCDateTime)


class PaperSummary(SQLModel, table=True):
    """A one-line summary of a paper as a source gave it first; never changed. `taken_at`: when it was stored."""

    __tablename__ = "paper_summary"

    paper_id: int = Field(primary_key=True, foreign_key="paper.id", sa_column_kwargs={"autoincrement": False})
    source: str = Field(primary_key=True, max_length=40)
    text: str = Field(max_length=400)
    taken_at: datetime = Field(sa_type=UTCDateTime)


class AuthorFigure(SQLModel, table=True):
    """Figures of an author as a source prints them, by the author's exact name."""

    __tablename__ = "author_figure"
    __table_args__ = (UniqueConstraint("name", "source"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=200)
    source: str = Field(max_length=40)
    taken_at: datetime = Field(sa_type=UTCDateTime)
    figures: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class PaperAuthorId(SQLModel, table=True):
    """A source's id of one author of a paper. `scheme`: as in `person_references.ID_SCHEMES`; `name`: as printed.

    `institution`: of the author on that paper, '' where the source has none.
    """

    __tablename__ = "paper_author_id"
    __table_args__ = (Index("ix_paper_author_id_value", "value", "scheme"),)

    paper_id: int = Field(primary_key=True, foreign_key="paper.id", sa_column_kwargs={"autoincrement": False})
    scheme: str = Field(primary_key=True, max_length=20)
    value: str = Field(primary_key=True, max_length=40)
    name: str = Field(max_length=200)
    institution: str = Field(default="", max_length=200)


class NameLookup(SQLModel, table=True):
    """The people of a name as a source answered. `name`: folded; `failed`: it did not answer, so `people` is empty."""

    __tablename__ = "author_lookup"

    name: str = Field(primary_key=True, max_length=200)
    looked_up_at: datetime = Field(sa_type=UTCDateTime, index=True)
    failed: bool = Field(default=False)
    people: list[Any] = Field(sa_column=Column(JSON, nullable=False))


class Epoch(SQLModel, table=True):
    """Word counts and average length, fixed for a time; a run has the epoch it ranked by. `terms`: counts by word."""

    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(sa_type=UTCDateTime)
    announcement_id: int | None = Field(default=None, foreign_key="announcement.id")
    papers: int
    average_length_milli: int
    announcements: int
    terms: bytes


class StoredTopicContext(SQLModel, table=True):
    """The context of a topic in one epoch. `topic`: a hash of its text; `words`: numbers and weights of words.

    `floor`: the nearness of a close paper. The numbers are places in the epoch's words in alphabetical order.
    """

    __tablename__ = "topic_context"

    epoch_id: int = Field(foreign_key="epoch.id", primary_key=True)
    topic: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    words: bytes
    floor: int
