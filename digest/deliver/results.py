"""What follows from an outcome for the delivery's row: its next state, when it is due again, what is remembered."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.db.deliveries import Claimed, Result
from digest.deliver import retry
from digest.deliver.letter import Withheld
from digest.deliver.outcome import NOT_STARTED, Outcome
from digest.models.delivery import DEFERRED, REJECTED, UNCERTAIN

HARD, SOFT = "hard", "soft"  # kinds of bounce
NOT_COMPOSED = "no letter could be composed"


@dataclass(frozen=True, slots=True)
class Judge:
    """Turns outcomes into results. `uncertain`: resend or hold; `chance` spreads the retries."""

    uncertain: str
    chance: random.Random

    def result(self, delivery: Claimed, outcome: Outcome, now: datetime) -> Result:
        """What the try to send it came to."""
        if outcome.state == DEFERRED:
            return self._deferred(delivery, outcome, now)
        if outcome.state == UNCERTAIN:
            again = self.in_doubt(delivery.doubts + 1, now)
            return Result(delivery, UNCERTAIN, outcome.reply, outcome.status, again)
        if outcome.state == REJECTED:
            bounce = HARD if outcome.no_such_address else SOFT
            reply, status = outcome.reply, outcome.status
            return Result(delivery, REJECTED, reply, status, bounce=bounce, suppress=outcome.no_such_address)
        return Result(delivery, outcome.state, outcome.reply, outcome.status)

    def withheld(self, delivery: Claimed, withheld: Withheld | None, now: datetime) -> Result:
        """Nothing was offered to a server: by the composer's word, or because it gave none."""
        if withheld is not None:
            return Result(delivery, withheld.state, withheld.reason, counted=False)
        return self._again(delivery, Outcome(DEFERRED, NOT_COMPOSED), now)

    def in_doubt(self, doubts: int, now: datetime) -> datetime | None:
        """When a mail goes out again that was tried so often without an answer; None to hold it."""
        delay = retry.wait_in_doubt(doubts) if self.uncertain == "resend" else None
        return None if delay is None else now + delay

    def _deferred(self, delivery: Claimed, outcome: Outcome, now: datetime) -> Result:
        waiting = UNCERTAIN if delivery.doubts else DEFERRED  # an earlier try may have arrived
        if outcome == NOT_STARTED:
            return Result(delivery, waiting, outcome.reply, due_at=now, counted=False)
        if outcome.server_trouble:
            soon = now + self._spread(retry.TROUBLE)
            return Result(delivery, waiting, outcome.reply, outcome.status, soon, counted=False)
        if outcome.pause_domain:
            rested, later = now + retry.POLICY, now + retry.POLICY + self._spread(retry.FIRST)
            return Result(delivery, DEFERRED, outcome.reply, outcome.status, later, pause_until=rested)
        return self._again(delivery, outcome, now)

    def _again(self, delivery: Claimed, outcome: Outcome, now: datetime) -> Result:
        delay = retry.wait(delivery.attempts)
        if delay is None:
            return Result(delivery, REJECTED, f"gave up after a day: {outcome.reply}", outcome.status, bounce=SOFT)
        return Result(delivery, DEFERRED, outcome.reply, outcome.status, now + self._spread(delay))

    def _spread(self, delay: timedelta) -> timedelta:
        return retry.jittered(delay, self.chance)
