"""Idempotency keys of API requests. A row is written before the request's work begins, so that one of two does it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select, update

from digest.db.core.dialect import insert_ignore
from digest.models import IdempotencyKey


def claim_key(session: Session, key: str, request_hash: str, *, now: datetime, expired_before: datetime) -> bool:
    """Claim a key for a request. False where an earlier request has it. Keys from before `expired_before` are free."""
    key_column, started_at = col(IdempotencyKey.key), col(IdempotencyKey.started_at)
    session.exec(delete(IdempotencyKey).where(key_column == key, started_at < expired_before))
    row = {"key": key, "request_hash": request_hash, "started_at": now, "answer": None}
    return insert_ignore(session, IdempotencyKey, [row]) == 1


def find_key(session: Session, keys: Sequence[str], *, expired_before: datetime) -> IdempotencyKey | None:
    """The row of the first of these keys that has one."""
    is_valid = col(IdempotencyKey.started_at) >= expired_before
    rows = session.exec(select(IdempotencyKey).where(col(IdempotencyKey.key).in_(keys), is_valid)).all()
    return min(rows, key=lambda row: keys.index(row.key), default=None)


def store_answer(session: Session, key: str, started_at: datetime, answer: bytes) -> None:
    """Store the answer of the request that claimed the key at that time."""
    mine = col(IdempotencyKey.key) == key, col(IdempotencyKey.started_at) == started_at
    session.exec(update(IdempotencyKey).where(*mine).values(answer=answer))


def release_key(session: Session, key: str, started_at: datetime) -> None:
    """Delete the row of a request that had no effect, so that it may be sent again."""
    mine = col(IdempotencyKey.key) == key, col(IdempotencyKey.started_at) == started_at
    session.exec(delete(IdempotencyKey).where(*mine, col(IdempotencyKey.answer).is_(None)))


def delete_older_than(session: Session, before: datetime) -> int:
    """Delete keys whose request began before then. Returns how many."""
    return session.exec(delete(IdempotencyKey).where(col(IdempotencyKey.started_at) < before)).rowcount
