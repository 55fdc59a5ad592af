"""Imported papers that wait for their sign-up."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, func, select

from digest.models import PendingImport

KEPT_FOR = timedelta(days=1)
MAX_IMPORTS, MAX_BYTES = 2000, 256 << 20  # that are kept, and of all of them; the oldest give way


def add_import(session: Session, token: str, content: bytes, *, now: datetime) -> None:
    """Keep an import, and delete those that expired or are too many."""
    delete_expired(session, now=now)
    size = func.length(col(PendingImport.content))
    newest_first = select(PendingImport.token, size).order_by(col(PendingImport.created_at).desc())
    surplus, total = [], len(content)
    for number, (kept_token, byte_count) in enumerate(session.exec(newest_first), start=2):
        total += byte_count
        if number > MAX_IMPORTS or total > MAX_BYTES:
            surplus.append(kept_token)
    session.execute(delete(PendingImport).where(col(PendingImport.token).in_(surplus)))
    session.add(PendingImport(token=token, created_at=now, content=content))


def content_of(session: Session, token: str, *, now: datetime) -> bytes | None:
    """The content of an import; None where it expired or never was."""
    pending_import = session.get(PendingImport, token)
    return pending_import.content if pending_import is not None and pending_import.created_at > now - KEPT_FOR else None


def delete_expired(session: Session, *, now: datetime) -> None:
    """Delete imports that nobody signed up with in time."""
    session.execute(delete(PendingImport).where(col(PendingImport.created_at) <= now - KEPT_FOR))
