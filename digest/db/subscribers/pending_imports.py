"""Imported papers that wait for their sign-up."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from digest.models import PendingImport

KEPT_FOR = timedelta(days=1)
MAX_IMPORTS = 100  # that are kept; the oldest give way


def add_import(session: Session, token: str, content: bytes, *, now: datetime) -> None:
    """Keep an import, and delete those that expired or are too many."""
    delete_expired(session, now=now)
    oldest = select(PendingImport.token).order_by(col(PendingImport.created_at).desc()).offset(MAX_IMPORTS - 1)
    surplus = session.exec(oldest).all()
    session.execute(delete(PendingImport).where(col(PendingImport.token).in_(surplus)))
    session.add(PendingImport(token=token, created_at=now, content=content))


def content_of(session: Session, token: str, *, now: datetime) -> bytes | None:
    """The content of an import; None where it expired or never was."""
    stored = session.get(PendingImport, token)
    return stored.content if stored is not None and stored.created_at > now - KEPT_FOR else None


def delete_expired(session: Session, *, now: datetime) -> None:
    """Delete imports that nobody signed up with in time."""
    session.execute(delete(PendingImport).where(col(PendingImport.created_at) <= now - KEPT_FOR))
