"""Taking over from dead senders without waiting for a lease.

With a lease short enough to wait for, a busy machine takes living senders for dead. So tests keep the usual lease and
turn the sweeper's clock: a lease passes when none but dead processes hold one.
"""

from __future__ import annotations

from sqlmodel import Session, select

from digest import settings
from digest.db.core.retry_transaction import retry_transaction
from digest.mail.outbox.lease_reaper import LeaseReaper
from digest.models.delivery import Lease
from tests.processes import gone


class Hand:
    """A clock that a test turns."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


class DeadHoldersClock:
    """A clock that goes on by one lease whenever it is read while every lease belongs to a process that is gone."""

    def __init__(self, lease: float) -> None:
        self._lease, self._seconds = lease, 0.0

    def __call__(self) -> float:
        holders = retry_transaction(_holders, seconds=0)
        if holders and all(gone(pid) for pid in holders):
            self._seconds += self._lease
        return self._seconds


def sweeper() -> LeaseReaper:
    """One that takes over from dead processes at its second sweep, and from no living one however slow it is."""
    found = settings.get()
    return LeaseReaper(found, monotonic=DeadHoldersClock(float(found.lease)))


def _holders(session: Session) -> list[int]:
    """The processes of this machine that hold a lease."""
    return [int(holder.rpartition(":")[2]) for holder in session.exec(select(Lease.holder))]
