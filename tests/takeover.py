"""Taking over from dead senders without waiting for a lease.

With a short lease, living senders on a busy machine would be taken for dead. So tests keep the usual lease and
move the sweeper's clock: a lease passes when only dead processes hold one.
"""

from __future__ import annotations

from sqlmodel import Session, select

from digest import settings
from digest.db.core.retry_transaction import retry_transaction
from digest.mail.outbox.lease_reaper import LeaseReaper
from digest.models.delivery import Lease
from tests.processes import has_ended


class TakeoverClock:
    """A clock that a test moves."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


class DeadHoldersClock:
    """A clock that advances by one lease whenever it is read while all leases belong to processes that have ended."""

    def __init__(self, lease: float) -> None:
        self._lease, self._seconds = lease, 0.0

    def __call__(self) -> float:
        holders = retry_transaction(_holders, seconds=0)
        if holders and all(has_ended(pid) for pid in holders):
            self._seconds += self._lease
        return self._seconds


def sweeper() -> LeaseReaper:
    """A sweeper that takes over from dead processes at its second sweep, and never from a living one."""
    configuration = settings.get()
    return LeaseReaper(configuration, monotonic=DeadHoldersClock(float(configuration.lease)))


def _holders(session: Session) -> list[int]:
    """The processes of this machine that hold a lease."""
    return [int(holder.rpartition(":")[2]) for holder in session.exec(select(Lease.holder))]
