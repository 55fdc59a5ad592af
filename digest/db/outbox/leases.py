"""Leases: who is sending. A lease's id fences its rows; its beat shows that the holder lives and gets on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, update
from sqlmodel import Session, SQLModel, col, select

from digest.models.delivery import DEFERRED, SENDING, UNCERTAIN, Delivery, Lease
from digest.models.types import stored_id

_ROWS = SQLModel.metadata.tables["lease"]
_BUMP = update(_ROWS).where(_ROWS.c.id == bindparam("lease")).values(beat=_ROWS.c.beat + 1)  # made once, used often


def open_lease(session: Session, holder: str, now: datetime) -> int:
    """A new lease for a sender that begins; its id is the fencing token."""
    lease = Lease(holder=holder[:80], created_at=now)
    session.add(lease)
    session.flush()
    return stored_id(lease)


def bump_beat(session: Session, lease_id: int) -> bool:
    """Show that the holder lives. False where the lease was taken over: nothing of it may be sent any more.

    The lease's row stays locked until the transaction ends, so nobody takes over what is claimed in it.
    """
    return session.connection().execute(_BUMP, {"lease": lease_id}).rowcount == 1


def beats(session: Session) -> dict[int, int]:
    """The beat of every open lease, by its id."""
    return {lease_id: beat for lease_id, beat in session.exec(select(Lease.id, Lease.beat)) if lease_id is not None}


def close_lease(session: Session, lease_id: int, due_again: datetime) -> int:
    """End a lease. Rows that it still holds were claimed but never begun: due again then; returns how many."""
    left = _held(session, lease_id)
    for delivery in left:
        delivery.state = UNCERTAIN if delivery.doubts else DEFERRED
        delivery.lease_id, delivery.due_at = None, due_again
    session.exec(delete(Lease).where(col(Lease.id) == lease_id))
    return len(left)


def take_over(
    session: Session, lease_id: int, beat: int, due_again: Callable[[int], datetime | None]
) -> Sequence[Delivery]:
    """End a lease whose beat still is `beat`; its rows become uncertain. Empty where the holder lives after all.

    `due_again(doubts)` says when a mail is sent again that was in doubt so often, None to hold it.
    A locked lease is beating just now.
    """
    silent = select(Lease).where(Lease.id == lease_id, Lease.beat == beat)
    if session.exec(silent.with_for_update(skip_locked=True)).one_or_none() is None:
        return ()
    session.exec(delete(Lease).where(col(Lease.id) == lease_id))
    rows = _held(session, lease_id)
    for delivery in rows:
        delivery.doubts += 1
        delivery.state, delivery.lease_id = UNCERTAIN, None
        delivery.due_at = due_again(delivery.doubts)
        delivery.reply = "the sender stopped in the middle"
    return rows


def _held(session: Session, lease_id: int) -> Sequence[Delivery]:
    query = select(Delivery).where(Delivery.lease_id == lease_id, Delivery.state == SENDING)
    return session.exec(query.order_by(col(Delivery.id)).with_for_update()).all()
