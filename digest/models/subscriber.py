"""Subscribers: consent, profile versions, and addresses that must not be mailed."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from digest.models.types import UTCDateTime

PENDING, ACTIVE, UNSUBSCRIBED = "pending", "active", "left"
WAITING, UNKNOWN = "waiting", "unknown"  # look-ups of example papers

# Reasons of a suppression. An administrator may give any other text.
NO_SUCH_ADDRESS, KEEPS_FAILING, COMPLAINT, NOT_ME = "no such address", "keeps failing", "complaint", "not me"
BOUNCE_REASONS = (NO_SUCH_ADDRESS, KEEPS_FAILING)
BY_ADMINISTRATOR = "administrator"  # the source of a suppression that an administrator made

# Actions of an account request.
EXPORT, ERASE, CHANGE_ADDRESS, NEW_ADDRESS = "export", "erase", "change-address", "new-address"


class Subscriber(SQLModel, table=True):
    """An address with its state and schedule. Erasing deletes the row.

    `state`: pending (not confirmed), active, left (unsubscribed). `paused_until` is the first date with mail again.
    `seen_through` is the newest batch that a run considered for them; `next_due_at` is always a slot.
    An id is never reused, because links and Message-IDs of old mails contain it.
    """

    __table_args__ = (Index("ix_subscriber_due", "state", "next_due_at"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(max_length=254)
    address_key: str = Field(max_length=254, unique=True)
    state: str = Field(default=PENDING, max_length=10)
    created_at: datetime = Field(sa_type=UTCDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    left_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    time_zone: str = Field(default="UTC", max_length=60)
    send_at: time = time(7, 0)
    cadence: str = Field(default="daily", max_length=10)
    weekday: int = 0
    paused_until: date | None = None
    quiet_day: str = Field(default="skip", max_length=10)
    profile_id: int | None = None
    seen_through: int = 0
    next_due_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class ProfileVersion(SQLModel, table=True):
    """A version of a subscriber's profile; never changed. `profile` is `matching.profile.Profile` as JSON."""

    __tablename__ = "profile_version"
    __table_args__ = (UniqueConstraint("subscriber_id", "number"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True, ondelete="CASCADE")
    number: int
    created_at: datetime = Field(sa_type=UTCDateTime)
    profile: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class Threshold(SQLModel, table=True):
    """The threshold τ of a profile version in one epoch: a relevance, or None where the floor alone decides.

    `has_contexts`: the contexts of its topics are stored.
    """

    __table_args__ = (UniqueConstraint("profile_id", "epoch_id"),)

    id: int | None = Field(default=None, primary_key=True)
    profile_id: int = Field(foreign_key="profile_version.id", ondelete="CASCADE")
    epoch_id: int = Field(foreign_key="epoch.id")
    tau: int | None = None
    has_contexts: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class Feedback(SQLModel, table=True):
    """A subscriber's feedback on a paper. (subscriber, paper, verb) is unique.

    `verb`: more or less. `topic`: the topic, as typed, that the paper matched, '' for none.
    """

    __table_args__ = (UniqueConstraint("subscriber_id", "paper_id", "verb"),)

    id: int | None = Field(default=None, primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id", ondelete="CASCADE")
    paper_id: int = Field(foreign_key="paper.id")
    verb: str = Field(max_length=8)
    topic: str = Field(default="", max_length=500)
    at: datetime = Field(sa_type=UTCDateTime)


class ExamplePaper(SQLModel, table=True):
    """A paper that a subscriber starts from: its words find further papers.

    `paper_id`: of a stored paper, whose newest record is read; then `abstract` is empty. A paper from elsewhere has
    only what was imported. `identifier`: as imported, such as an arXiv id or a DOI. `import_id` numbers a subscriber's
    imports from 1. `request_id`: of the sign-up that brought it; the paper has no effect until that is confirmed, which
    sets it to None. `lookup`: WAITING while only the identifier is known and the sources are still to be asked,
    UNKNOWN where they do not know it, '' for all others.
    """

    __tablename__ = "example_paper"

    id: int | None = Field(default=None, primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True, ondelete="CASCADE")
    request_id: int | None = Field(default=None, foreign_key="sign_up_request.id", index=True, ondelete="CASCADE")
    import_id: int
    paper_id: int | None = Field(default=None, foreign_key="paper.id")
    identifier: str | None = Field(default=None, max_length=250)
    title: str = Field(max_length=500)
    abstract: str = Field(default="", max_length=4000)
    lookup: str = Field(default="", max_length=10, index=True)
    added_at: datetime = Field(sa_type=UTCDateTime)


class Consent(SQLModel, table=True):
    """Proof of a consent event (asked, confirmed, left): when, from where, under which wording.

    `client`: a hash that a claim can be checked against (`services.subscriptions.consent_origin`), or a word such as
    administrator.
    """

    id: int | None = Field(default=None, primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True, ondelete="CASCADE")
    event: str = Field(max_length=20)
    at: datetime = Field(sa_type=UTCDateTime)
    client: str = Field(default="", max_length=64)
    wording: str = Field(default="", max_length=20)


class SignUpRequest(SQLModel, table=True):
    """The preferences of a sign-up, stored apart from the subscriber until the owner of the address confirms it.

    `profile`: `matching.profile.Profile` as JSON. `schedule`: preferences that are columns of Subscriber.
    `client`, `wording`: the proof of the request, see Consent. Ids are not reused: confirmation links carry them.
    """

    __tablename__ = "sign_up_request"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True, ondelete="CASCADE")
    created_at: datetime = Field(sa_type=UTCDateTime)
    profile: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    schedule: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    client: str = Field(default="", max_length=64)
    wording: str = Field(default="", max_length=20)
    confirmed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class PendingImport(SQLModel, table=True):
    """Papers that were imported on the start page, until their sign-up; deleted after a day, and bound to nobody.

    `content`: compressed JSON (`services.subscriptions.pending_imports`).
    """

    __tablename__ = "pending_import"

    token: str = Field(primary_key=True, max_length=40)
    created_at: datetime = Field(sa_type=UTCDateTime, index=True)
    content: bytes


class AccountRequest(SQLModel, table=True):
    """An export, erasure or change of address requested on the preferences page; a mailed link confirms it.

    `action`: EXPORT, ERASE, CHANGE_ADDRESS or NEW_ADDRESS; `address`: the new one, for NEW_ADDRESS only.
    Ids are not reused: the mailed links carry them.
    """

    __tablename__ = "account_request"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True, ondelete="CASCADE")
    action: str = Field(max_length=20)
    address: str = Field(default="", max_length=254)
    created_at: datetime = Field(sa_type=UTCDateTime)


class Suppression(SQLModel, table=True):
    """An address that must not be mailed, and why. When its subscriber is erased, a FormerAddress takes its place."""

    id: int | None = Field(default=None, primary_key=True)
    address_key: str = Field(max_length=254, unique=True)
    reason: str = Field(max_length=40)
    source: str = Field(default="", max_length=200)
    at: datetime = Field(sa_type=UTCDateTime)


class FormerAddress(SQLModel, table=True):
    """A deleted person's address as a keyed hash. `suppressed`: never mail it; else: an import must not bring it back.

    `reason`: of the suppression, or left or erased.
    """

    __tablename__ = "former_address"

    id: int | None = Field(default=None, primary_key=True)
    address_hash: str = Field(max_length=64, unique=True)
    reason: str = Field(max_length=40)
    suppressed: bool = False
    at: datetime = Field(sa_type=UTCDateTime)


class StoredKey(SQLModel, table=True):
    """A key (in hexadecimal) that must survive a rotation of DIGEST_SECRET_KEY; created at its first use."""

    __tablename__ = "stored_key"

    name: str = Field(primary_key=True, max_length=40)
    value: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=UTCDateTime)


class Attempt(SQLModel, table=True):
    """One attempt at a limited action (a sign-up, a sign-in), counted by key (a keyed hash of client or address)."""

    __table_args__ = (Index("ix_attempt_key", "action", "key", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    action: str = Field(max_length=20)
    key: str = Field(max_length=64)
    at: datetime = Field(sa_type=UTCDateTime)
