"""Takes over the deliveries of dead senders. A lease expires when its beat has not changed for the setting LEASE.

The time is measured with this process's monotonic clock, so the clocks of machines are never compared.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from sqlmodel import Session

from digest import clock, logs
from digest.db.core.retry_transaction import retry_transaction
from digest.db.outbox import leases
from digest.errors import Transient
from digest.mail.outbox.state_transitions import StateTransitions
from digest.settings import Settings

log = logs.get(__name__)


class LeaseReaper:
    """Watches the beats of all leases. Keep one instance and call `sweep` every few seconds; not thread-safe."""

    def __init__(self, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lease = float(settings.lease)
        self._transitions = StateTransitions(settings.uncertain, random.Random())
        self._monotonic = monotonic
        self._beats: dict[int, tuple[int, float]] = {}  # by lease id: its beat, and when that was first read
        self.leases_taken_over = 0  # since this instance was created

    def sweep(self) -> int:
        """Take over expired leases. Returns how many mails became uncertain.

        Raises Transient where the database fails. The watch starts again then, because no sender could beat meanwhile.
        """
        try:
            return sum(self._reap(lease_id, beat) for lease_id, beat in self._expired())
        except Transient:
            self._beats.clear()
            raise

    def _expired(self) -> list[tuple[int, int]]:
        beats = retry_transaction(leases.beats, seconds=0)
        now = self._monotonic()
        previous = self._beats
        self._beats = {
            lease_id: previous[lease_id] if lease_id in previous and previous[lease_id][0] == beat else (beat, now)
            for lease_id, beat in beats.items()
        }
        return [(lease_id, beat) for lease_id, (beat, since) in self._beats.items() if now - since >= self._lease]

    def _reap(self, lease_id: int, beat: int) -> int:
        uncertain = retry_transaction(partial(self._take_over, lease_id, beat), seconds=0)
        if uncertain is None:  # the next sweep tries again
            return 0
        self._beats.pop(lease_id, None)
        self.leases_taken_over += 1
        log.warning("lease_taken_over", lease=lease_id, uncertain=uncertain)
        return uncertain

    def _take_over(self, lease_id: int, beat: int, session: Session) -> int | None:
        now = clock.now()
        rows = leases.take_over(session, lease_id, beat, lambda doubts: self._transitions.in_doubt(doubts, now))
        return None if rows is None else len(rows)
