"""The audit: what administrators and subscribers did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, func, select

from digest.models import Audit

RESTORE, RECONCILE = "restore", "reconcile"  # actions: a restored backup, and mails of before it settled by a mail log
UNDECIDED = "undecided"  # in the detail of RECONCILE: how many mails of the log a person must decide about


def audit_of_subscriber(session: Session, subscriber_id: int) -> Sequence[Audit]:
    """The audit rows about a subscriber, oldest first."""
    query = select(Audit).where(col(Audit.detail)["subscriber"].as_integer() == subscriber_id)
    return session.exec(query.order_by(col(Audit.id))).all()


def was_audited(session: Session, action: str, *, since: datetime) -> bool:
    """True where the audit has a row of that action since then."""
    query = select(Audit.id).where(Audit.action == action, col(Audit.at) > since)
    return session.exec(query.limit(1)).first() is not None


def newest_of(session: Session, action: str) -> Audit | None:
    """The newest row of that action."""
    return session.exec(select(Audit).where(Audit.action == action).order_by(col(Audit.id).desc()).limit(1)).first()


def delete_audit_of_subscriber(session: Session, subscriber_id: int) -> None:
    """Delete the audit rows about a subscriber."""
    session.exec(delete(Audit).where(col(Audit.detail)["subscriber"].as_integer() == subscriber_id))


def delete_older_than(session: Session, before: datetime) -> int:
    """Delete audit rows older than that. Returns how many.

    The newest row stays: SQLite assigns ids after the largest existing one, and serials of mails derive from them.
    """
    newest = select(func.max(Audit.id)).scalar_subquery()
    return session.exec(delete(Audit).where(col(Audit.at) < before, col(Audit.id) < newest)).rowcount
