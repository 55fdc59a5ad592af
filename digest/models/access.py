"""Access control: counters of rate limits, administrators' sign-ins and sessions, idempotency keys of the API."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from digest.models.types import UTCDateTime


class RateLimitCounter(SQLModel, table=True):
    """The number of attempts of one key at a rate-limited action in the current window. One UPSERT changes the row.

    `key` is a keyed hash of a client or an address. `started_at`: when the window began; `last_at`: the last allowed
    attempt.
    """

    __tablename__ = "rate_limit_counter"
    __table_args__ = (Index("ix_rate_limit_counter_last_at", "last_at"),)

    action: str = Field(primary_key=True, max_length=20)
    key: str = Field(primary_key=True, max_length=64)
    count: int
    started_at: datetime = Field(sa_type=UTCDateTime)
    last_at: datetime = Field(sa_type=UTCDateTime)


class AdminLogin(SQLModel, table=True):
    """A sign-in link mailed to an administrator, and the session that began with it.

    The link is valid until `link_expires_at` or `used_at`; the session until `session_expires_at` or `ended_at`.
    `session_hash`: SHA-256 of the cookie's value.
    """

    __tablename__ = "admin_login"

    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(index=True, max_length=254)
    asked_at: datetime = Field(sa_type=UTCDateTime)
    link_expires_at: datetime = Field(sa_type=UTCDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    session_hash: str | None = Field(default=None, unique=True, max_length=64)
    session_expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class IdempotencyKey(SQLModel, table=True):
    """A request to the API that must not have its effect twice. `key`: a keyed hash of its caller and its key.

    `request_hash`: SHA-256 of method, address and body. `answer`: encrypted with the caller's key; None while the
    request is being answered, empty where it failed and perhaps had its effect.
    """

    __tablename__ = "idempotency_key"

    key: str = Field(primary_key=True, max_length=64)
    request_hash: str = Field(max_length=64)
    started_at: datetime = Field(sa_type=UTCDateTime, index=True)
    answer: bytes | None = None
