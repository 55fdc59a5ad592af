"""Bearer tokens of the API, of which only hashes are stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select, update

from digest.models import AdminToken


def by_name(session: Session, name: str) -> AdminToken | None:
    """The token of that name."""
    return session.exec(select(AdminToken).where(AdminToken.name == name)).one_or_none()


def by_digest(session: Session, digest: str) -> AdminToken | None:
    """The token with that hash."""
    return session.exec(select(AdminToken).where(AdminToken.digest == digest)).one_or_none()


def all_tokens(session: Session) -> Sequence[AdminToken]:
    """Every token, also revoked ones, oldest first."""
    return session.exec(select(AdminToken).order_by(col(AdminToken.id))).all()


def without_expiry(session: Session) -> Sequence[AdminToken]:
    """Tokens that never expire and were not revoked."""
    query = select(AdminToken).where(col(AdminToken.revoked_at).is_(None), col(AdminToken.expires_at).is_(None))
    return session.exec(query.order_by(col(AdminToken.id))).all()


def note_use(session: Session, token_id: int | None, *, now: datetime, last_noted_before: datetime) -> None:
    """Store that the token was used, unless a use was noted after `last_noted_before`."""
    is_stale = or_(col(AdminToken.last_used_at).is_(None), col(AdminToken.last_used_at) <= last_noted_before)
    session.exec(update(AdminToken).where(col(AdminToken.id) == token_id, is_stale).values(last_used_at=now))
