"""Administrators' sign-in links and the sessions that begin with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select, update

from digest.models import AdminLogin


def by_id(session: Session, login_id: int, *, lock: bool = False) -> AdminLogin | None:
    """The sign-in link with that id; `lock`: locks its row."""
    return session.get(AdminLogin, login_id, with_for_update=lock or None)


def open_session(session: Session, session_hash: str, *, lock: bool = False) -> AdminLogin | None:
    """The session with that cookie hash that was not ended, even where it expired; `lock`: locks its row."""
    query = select(AdminLogin).where(AdminLogin.session_hash == session_hash, col(AdminLogin.ended_at).is_(None))
    return session.exec(query.with_for_update() if lock else query).one_or_none()


def end_all_except(session: Session, addresses: Sequence[str], *, now: datetime) -> int:
    """End links and sessions of all other addresses. Returns how many."""
    statement = update(AdminLogin).where(col(AdminLogin.ended_at).is_(None), col(AdminLogin.address).not_in(addresses))
    return session.exec(statement.values(ended_at=now)).rowcount
