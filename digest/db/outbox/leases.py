"""Leases of senders. The id of a lease fences its rows; its beat shows that the holder is alive and makes progress.

When a lease expires, and what becomes of its mails: `mail/outbox/lease_reaper.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, update
from sqlmodel import Session, SQLModel, col, select

from digest.models.delivery import DEFERRED, SENDING, UNCERTAIN, Delivery, Lease
from digest.models.types import stored_id

_LEASES = SQLModel.metadata.tables["lease"]
_BUMP = (
    update(_LEASES).where(_LEASES.c.id == bindparam("lease")).values(beat=_LEASES.c.beat + 1)
)  # built once, because building costs more than running it


def open_lease(session: Session, holder: str, now: datetime) -> int:
    """Open a lease for a sender. Returns its id, the fencing token."""
    lease = Lease(holder=holder[:80], created_at=now)
    session.add(lease)
    session.flush()
    return stored_id(lease)


def bump_beat(session: Session, lease_id: int) -> bool:
    """Show that the holder is alive. False where the lease was taken over: its deliveries must not be sent any more.

    The row stays locked until the transaction ends, so the lease cannot be taken over while deliveries are claimed.
    """
    return session.connection().execute(_BUMP, {"lease": lease_id}).rowcount == 1


def beats(session: Session) -> dict[int, int]:
    """The beat of every open lease, by its id."""
    return {lease_id: beat for lease_id, beat in session.exec(select(Lease.id, Lease.beat)) if lease_id is not None}


def close_lease(session: Session, lease_id: int, due_again: datetime) -> int:
    """End a lease. Rows that it still holds were never started and are due at `due_again`. Returns how many."""
    claimed_rows = _lock_claimed_rows(session, lease_id)
    for delivery in claimed_rows:
        delivery.state = UNCERTAIN if delivery.doubts else DEFERRED
        delivery.lease_id, delivery.due_at = None, due_again
    session.exec(delete(Lease).where(col(Lease.id) == lease_id))
    return len(claimed_rows)


def take_over(
    session: Session, lease_id: int, beat: int, due_again: Callable[[int], datetime | None]
) -> Sequence[Delivery] | None:
    """End a lease whose beat still is `beat`; its rows become uncertain. None where it could not be ended.

    `due_again(doubts)` returns when a mail that was uncertain `doubts` times is sent again, None to hold it.
    A lease that is locked is being bumped at this moment, or was when its holder was cut off: then it stays locked
    until the database notices.
    """
    unchanged_lease = select(Lease).where(Lease.id == lease_id, Lease.beat == beat)
    if session.exec(unchanged_lease.with_for_update(skip_locked=True)).one_or_none() is None:
        return None
    session.exec(delete(Lease).where(col(Lease.id) == lease_id))
    rows = _lock_claimed_rows(session, lease_id)
    for delivery in rows:
        delivery.doubts += 1
        delivery.state, delivery.lease_id = UNCERTAIN, None
        delivery.due_at = due_again(delivery.doubts)
        delivery.reply = "the sender stopped while sending"
    return rows


def _lock_claimed_rows(session: Session, lease_id: int) -> Sequence[Delivery]:
    query = select(Delivery).where(Delivery.lease_id == lease_id, Delivery.state == SENDING)
    return session.exec(query.order_by(col(Delivery.id)).with_for_update()).all()
