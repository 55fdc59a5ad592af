"""Delete unconfirmed sign-ups: without consent no data is kept.

After how many days: setting RETENTION_PENDING_DAYS.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from digest import clock, settings
from digest.db.core import engine
from digest.db.subscribers import link_requests, pending_imports
from digest.services.security.link_and_session_lifetimes import ACCOUNT_REQUEST_KEPT_FOR
from digest.services.subscriptions import erasure

BATCH_SIZE = 200  # subscribers a transaction, to keep its locks short


def delete_unconfirmed(*, now: datetime | None = None) -> int:
    """Erase subscribers who signed up RETENTION_PENDING_DAYS ago or longer and never confirmed. Returns how many.

    A later sign-up of the same address restarts that period. Old requests of other subscribers and old imports are
    deleted too.
    """
    now = now or clock.now()
    cutoff, total = now - timedelta(days=settings.get().retention_pending_days), 0
    with engine.transaction() as session:
        link_requests.delete_sign_ups_before(session, cutoff)
        link_requests.delete_account_requests_before(session, now - ACCOUNT_REQUEST_KEPT_FOR)
        pending_imports.delete_expired(session, now=now)
    while True:
        with engine.transaction() as session:
            erased = _erase_batch(session, cutoff, now)
        total += erased
        if erased < BATCH_SIZE:
            return total


def _erase_batch(session: Session, cutoff: datetime, now: datetime) -> int:
    expired = link_requests.expired_subscribers(session, cutoff, limit=BATCH_SIZE)
    for subscriber in expired:
        erasure.erase_rows(session, subscriber, now=now)
    return len(expired)
