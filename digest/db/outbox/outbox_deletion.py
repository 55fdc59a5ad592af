"""Deletes finished deliveries, bounce reports and other records by their age."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, delete, select

from digest.db.outbox import session_replies
from digest.db.security import rate_limit_counters
from digest.models import AdminLogin, Attempt, Bounce, Delivery, DomainPause
from digest.models.delivery import CANCELLED, REJECTED, SENT, SUPPRESSED


def delete_finished(session: Session, before: datetime, *, limit: int = 10_000) -> int:
    """Delete finished deliveries created before then, oldest first. Returns how many; repeat while it is `limit`."""
    is_final = col(Delivery.state).in_((SENT, REJECTED, CANCELLED, SUPPRESSED))
    oldest = (
        select(Delivery.id).where(is_final, col(Delivery.created_at) < before).order_by(col(Delivery.id)).limit(limit)
    )
    return session.exec(delete(Delivery).where(col(Delivery.id).in_(oldest))).rowcount


def delete_old_records(session: Session, *, reports_before: datetime, attempts_before: datetime) -> int:
    """Delete bounces older than `reports_before`; attempts, sign-ins, replies and pauses before `attempts_before`.

    Returns how many. `attempts_before` must lie further back than an administrator's session lasts.
    """
    deleted = session.exec(delete(Bounce).where(col(Bounce.at) < reports_before)).rowcount
    deleted += session.exec(delete(Attempt).where(col(Attempt.at) < attempts_before)).rowcount
    deleted += session_replies.delete_older_than(session, attempts_before)
    deleted += rate_limit_counters.delete_older_than(session, attempts_before)
    deleted += session.exec(delete(AdminLogin).where(col(AdminLogin.asked_at) < attempts_before)).rowcount
    return deleted + session.exec(delete(DomainPause).where(col(DomainPause.until) < attempts_before)).rowcount
