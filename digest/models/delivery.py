"""The outbox: deliveries, senders' leases, bounces, and the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from digest.models.types import BigIntegerId, UTCDateTime

QUEUED, SENDING, SENT, DEFERRED = "queued", "sending", "sent", "deferred"
REJECTED, UNCERTAIN, CANCELLED, SUPPRESSED = "rejected", "uncertain", "cancelled", "suppressed"
OPEN_STATES = (QUEUED, SENDING, DEFERRED, UNCERTAIN)
WAITING_STATES = (QUEUED, DEFERRED, UNCERTAIN)  # a mail that is being sent can't be recalled
# Literals, not bound values: otherwise the query planner cannot see that the partial index below applies.
IS_WAITING = text("delivery.due_at IS NOT NULL AND delivery.state IN ('queued', 'deferred', 'uncertain')")
_WAITING_INDEX = text("due_at IS NOT NULL AND state IN ('queued', 'deferred', 'uncertain')")

_LEASED = text("lease_id IS NOT NULL")

# kinds; the subject of the first four is an edition, of the next six a subscriber, of an alarm an audit row, of a
# report a run
DIGEST, WELCOME, NOTICE, RESEND = "digest", "welcome", "notice", "resend"
EDITION_KINDS = (DIGEST, WELCOME, NOTICE, RESEND)
FIRST_EDITION_KINDS = (DIGEST, NOTICE, WELCOME)  # the first mail of an edition, not a resend
FIRST_NOTICE = "first-notice"  # instead of a welcome that would have no papers
CONFIRMATION, LINK = "confirmation", "link"
ACCOUNT_LINK, NEW_ADDRESS, MOVED = "account-link", "new-address", "moved"  # see services.account_requests
SIGN_IN, ALARM, TEST, RUN_REPORT = "sign-in", "alarm", "test", "run-report"
URGENT_KINDS = (
    CONFIRMATION,
    LINK,
    ACCOUNT_LINK,
    NEW_ADDRESS,
    MOVED,
    SIGN_IN,
    ALARM,
    TEST,
    WELCOME,
    RESEND,
    FIRST_NOTICE,
)


class Lease(SQLModel, table=True):
    """A sender's lease. `id` fences its rows; the holder increases `beat`, which shows the reaper that it is alive."""

    id: int | None = Field(default=None, primary_key=True)
    holder: str = Field(max_length=80)
    beat: int = 0
    created_at: datetime = Field(sa_type=UTCDateTime)


class Delivery(SQLModel, table=True):
    """One e-mail to one address. (kind, subject_id, serial) is unique, so it cannot be queued twice.

    Due where the state is queued, deferred or uncertain and `due_at` has passed; no `due_at` means held.
    `lease_id` is set while sending and fences the result. `message_id` is set by the first claim and never changes.
    `attempts`: attempts begun; `doubts`: how many of them ended without an answer.
    An id is never reused, because return paths and Message-IDs of sent mails contain it.
    """

    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "serial"),
        Index(
            "ix_delivery_due",
            "priority",
            "due_at",
            "id",
            sqlite_where=_WAITING_INDEX,
            postgresql_where=_WAITING_INDEX,
        ),
        Index("ix_delivery_lease", "lease_id", sqlite_where=_LEASED, postgresql_where=_LEASED),
        Index("ix_delivery_run", "run_id", "state"),
        Index("ix_delivery_subscriber", "subscriber_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigIntegerId)
    kind: str = Field(max_length=12)
    subject_id: int = Field(sa_type=BigIntegerId)
    serial: int = 0
    subscriber_id: int | None = Field(default=None, foreign_key="subscriber.id", ondelete="SET NULL")
    run_id: int | None = None  # no foreign key, which would be checked for each row; the writer holds the run's lock
    address: str = Field(max_length=254)
    domain: str = Field(max_length=254)
    priority: int = 5
    state: str = Field(default=QUEUED, max_length=10)
    due_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    attempts: int = 0
    doubts: int = 0
    lease_id: int | None = None
    message_id: str | None = Field(default=None, max_length=250)
    created_at: datetime = Field(sa_type=UTCDateTime)
    tried_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    reply: str = Field(default="", max_length=500)
    payload: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))


class DeliverySerial(SQLModel, table=True):
    """The last serial of a delivery of this kind about this subject. Retention and erasure do not delete it."""

    __tablename__ = "delivery_serial"

    kind: str = Field(primary_key=True, max_length=12)
    subject_id: int = Field(primary_key=True, sa_type=BigIntegerId, sa_column_kwargs={"autoincrement": False})
    last: int


class Installation(SQLModel, table=True):
    """The identity of this installation, one row created by `digest migrate`. `key`: 128 random bits in hexadecimal."""

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    key: str = Field(max_length=32)
    created_at: datetime = Field(sa_type=UTCDateTime)


class DomainPause(SQLModel, table=True):
    """A receiving domain that refuses by policy (5.7.x). Nothing is sent to it until `until`; nobody is suppressed."""

    __tablename__ = "domain_pause"

    domain: str = Field(primary_key=True, max_length=254)
    until: datetime = Field(sa_type=UTCDateTime)
    reason: str = Field(max_length=500)


class SessionReply(SQLModel, table=True):
    """A recent reply of a mail server: one refusal, or a number of mails accepted in a row. Kept for two days.

    `way`: the signature that like refusals share, '' for accepted mails (`accepted`: how many).
    `shared`: many domains refused in this way, so the fault is the mail server's.
    """

    __tablename__ = "session_reply"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigIntegerId)
    at: datetime = Field(sa_type=UTCDateTime, index=True)
    way: str = Field(default="", max_length=40)
    domain: str = Field(default="", max_length=254)
    delivery_id: int | None = Field(default=None, sa_type=BigIntegerId)
    accepted: int = 0
    about_address: bool = False
    shared: bool = False


class Bounce(SQLModel, table=True):
    """A delivery failure of an address, in the session or reported later. `report_key` is unique: it counts once."""

    id: int | None = Field(default=None, primary_key=True)
    report_key: str = Field(unique=True, max_length=120)
    address_key: str = Field(index=True, max_length=254)
    kind: str = Field(max_length=10)
    status: str = Field(default="", max_length=20)
    delivery_id: int | None = Field(default=None, sa_type=BigIntegerId)
    at: datetime = Field(sa_type=UTCDateTime)


class Audit(SQLModel, table=True):
    """An action of an administrator. `detail` contains ids and counts, no addresses."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UTCDateTime)
    actor: str = Field(max_length=300)
    action: str = Field(max_length=40)
    detail: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class AdminToken(SQLModel, table=True):
    """A bearer token for the API; only its hash is stored. `scopes`: its permissions, separated by spaces."""

    __tablename__ = "admin_token"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, max_length=60)
    digest: str = Field(unique=True, max_length=64)
    scopes: str = Field(max_length=400)
    created_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
