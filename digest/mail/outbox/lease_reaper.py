"""Taking over from senders that died. A lease is dead when its beat stood still for one lease on our own clock.

No wall clock is compared between machines, and a beat is only ever compared with itself.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from sqlmodel import Session

from digest import clock, logs
from digest.db.core.retry_transaction import patiently
from digest.db.outbox import leases
from digest.errors import Transient
from digest.mail.outbox.state_transitions import Judge
from digest.settings import Settings

log = logs.get(__name__)


class Sweeper:
    """Watches the beats of all leases. Keep one and call `sweep` every few seconds; not for two threads."""

    def __init__(self, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lease = float(settings.lease)
        self._judge = Judge(settings.uncertain, random.Random())
        self._monotonic = monotonic
        self._seen: dict[int, tuple[int, float]] = {}  # lease id: its beat, and when that was first seen
        self.buried = 0  # leases taken over so far

    def sweep(self) -> int:
        """Take over from whom one lease has passed without a beat. Returns how many mails became uncertain.

        Raises Transient where the database fails; the watch begins anew then, because nobody could beat meanwhile.
        """
        try:
            return sum(self._bury(lease_id, beat) for lease_id, beat in self._dead())
        except Transient:
            self._seen.clear()
            raise

    def _dead(self) -> list[tuple[int, int]]:
        beats = patiently(leases.beats, seconds=0)
        now = self._monotonic()
        old = self._seen
        self._seen = {
            lease_id: old[lease_id] if lease_id in old and old[lease_id][0] == beat else (beat, now)
            for lease_id, beat in beats.items()
        }
        return [(lease_id, beat) for lease_id, (beat, since) in self._seen.items() if now - since >= self._lease]

    def _bury(self, lease_id: int, beat: int) -> int:
        taken = patiently(partial(self._take_over, lease_id, beat), seconds=0)
        self._seen.pop(lease_id, None)
        self.buried += 1
        log.warning("lease_taken_over", lease=lease_id, uncertain=taken)
        return taken

    def _take_over(self, lease_id: int, beat: int, session: Session) -> int:
        now = clock.now()
        return len(leases.take_over(session, lease_id, beat, lambda doubts: self._judge.in_doubt(doubts, now)))
