"""What follows from an outcome for the delivery's row: its next state, when it is due again, what is remembered."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.db.outbox.deliveries import Claimed, Result
from digest.mail.mime.outgoing_message import Withheld
from digest.mail.outbox import retry_backoff, server_refusals
from digest.mail.smtp.refusal_classifier import ABOUT_SUBSCRIBER
from digest.mail.smtp.reply_classification import NOT_STARTED, Outcome
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
        result = self._result(delivery, outcome, now)
        if not outcome.refused or outcome.server_trouble:
            return result
        about_address = outcome.state == REJECTED
        return replace(result, way=server_refusals.way(outcome), about_address=about_address)

    def _result(self, delivery: Claimed, outcome: Outcome, now: datetime) -> Result:
        if outcome.state == DEFERRED:
            return self._deferred(delivery, outcome, now)
        if outcome.state == UNCERTAIN:
            again = self.in_doubt(delivery.doubts + 1, now)
            return Result(delivery, UNCERTAIN, outcome.reply, outcome.status, again)
        if outcome.state == REJECTED:
            return _rejected(delivery, outcome, outcome.reply)
        return Result(delivery, outcome.state, outcome.reply, outcome.status)

    def withheld(self, delivery: Claimed, withheld: Withheld | None, now: datetime) -> Result:
        """Nothing was offered to a server: by the composer's word, or because it gave none."""
        if withheld is not None:
            return Result(delivery, withheld.state, withheld.reason, counted=False)
        return self._again(delivery, Outcome(DEFERRED, NOT_COMPOSED), now)

    def in_doubt(self, doubts: int, now: datetime) -> datetime | None:
        """When a mail goes out again that was tried so often without an answer; None to hold it."""
        delay = retry_backoff.wait_in_doubt(doubts) if self.uncertain == "resend" else None
        return None if delay is None else now + delay

    def _deferred(self, delivery: Claimed, outcome: Outcome, now: datetime) -> Result:
        waiting = UNCERTAIN if delivery.doubts else DEFERRED  # an earlier try may have arrived
        if outcome == NOT_STARTED:
            return Result(delivery, waiting, outcome.reply, due_at=now, counted=False)
        if outcome.server_trouble:
            soon = now + self._spread(retry_backoff.TROUBLE)
            return Result(delivery, waiting, outcome.reply, outcome.status, soon, counted=False)
        if outcome.pause_domain:
            return self._resting(delivery, outcome, now)
        return self._again(delivery, outcome, now)

    def _resting(self, delivery: Claimed, outcome: Outcome, now: datetime) -> Result:
        """Refused because of us: its domain rests as well, for as long as the horizon reaches."""
        rest = retry_backoff.REFUSED if outcome.by_our_server else retry_backoff.POLICY
        return replace(self._held(delivery, outcome, now, rest), pause_until=now + rest)

    def _held(self, delivery: Claimed, outcome: Outcome, now: datetime, rest: timedelta) -> Result:
        """The try does not count; beyond the horizon the mail is given up, and counts against nobody."""
        if now - delivery.created_at > retry_backoff.HORIZON:
            reply = f"gave up after {retry_backoff.HORIZON.days} days: {outcome.reply}"
            return Result(delivery, REJECTED, reply, outcome.status)
        later = now + rest + self._spread(retry_backoff.FIRST)
        return Result(delivery, DEFERRED, outcome.reply, outcome.status, later, counted=False)

    def _again(self, delivery: Claimed, outcome: Outcome, now: datetime) -> Result:
        """Not now: a 4yz is given up after a day; what is not about the subscriber, and 5yz or about us, is held."""
        delay = retry_backoff.wait(delivery.attempts)
        if delay is not None:
            return Result(delivery, DEFERRED, outcome.reply, outcome.status, now + self._spread(delay))
        if outcome.about_us:
            return self._resting(delivery, outcome, now)
        if outcome.refused:
            return self._held(delivery, outcome, now, retry_backoff.POLICY)
        return _rejected(delivery, outcome, f"gave up after a day: {outcome.reply}")

    def _spread(self, delay: timedelta) -> timedelta:
        return retry_backoff.jittered(delay, self.chance)


def _rejected(delivery: Claimed, outcome: Outcome, reply: str) -> Result:
    """Given up. It counts against the address only where the reply is about the address or its mailbox."""
    bounce = ""
    if outcome.cause in ABOUT_SUBSCRIBER:
        bounce = HARD if outcome.no_such_address else SOFT
    return Result(delivery, REJECTED, reply, outcome.status, bounce=bounce, suppress=outcome.no_such_address)
