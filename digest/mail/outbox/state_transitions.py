"""From a send outcome to the delivery's next state, when it is due again, and what counts against the address."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.db.outbox.deliveries import ClaimedDelivery, DeliveryResult
from digest.mail.bounces.bounce_kinds import bounce_kind
from digest.mail.mime.composer_interface import WithheldMail
from digest.mail.outbox import relay_refusals, retry_backoff
from digest.mail.outbox.pause_duration import POLICY_PAUSE, domain_pause
from digest.mail.smtp.refusal_cause import ABOUT_SUBSCRIBER
from digest.mail.smtp.reply_outcome import NOT_STARTED, SendOutcome
from digest.models.delivery import DEFERRED, REJECTED, UNCERTAIN

NOT_COMPOSED = "the message could not be composed"
_RETRY_HOURS = retry_backoff.RETRY_PERIOD // timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class StateTransitions:
    """Turns outcomes into results. `uncertain`: `resend` or `hold`; `rng`: random numbers for the jitter."""

    uncertain: str
    rng: random.Random

    def result(self, delivery: ClaimedDelivery, outcome: SendOutcome, now: datetime) -> DeliveryResult:
        """The result of an attempt to send."""
        result = self._result(delivery, outcome, now)
        if not outcome.refused or outcome.server_trouble:
            return result
        about_address = outcome.state == REJECTED
        return replace(result, refusal_signature=relay_refusals.refusal_signature(outcome), about_address=about_address)

    def _result(self, delivery: ClaimedDelivery, outcome: SendOutcome, now: datetime) -> DeliveryResult:
        if outcome.state == DEFERRED:
            return self._deferred(delivery, outcome, now)
        if outcome.state == UNCERTAIN:
            due_at = self.in_doubt(delivery.doubts + 1, now)
            return DeliveryResult(delivery, UNCERTAIN, outcome.reply, outcome.status, due_at)
        if outcome.state == REJECTED:
            return _rejected(delivery, outcome, outcome.reply)
        return DeliveryResult(delivery, outcome.state, outcome.reply, outcome.status)

    def withheld(self, delivery: ClaimedDelivery, withheld: WithheldMail | None, now: datetime) -> DeliveryResult:
        """The result where nothing was sent: the composer withheld the message, or returned none."""
        if withheld is not None:
            return DeliveryResult(delivery, withheld.state, withheld.reason, counted=False)
        return self._deferred_or_given_up(delivery, SendOutcome(DEFERRED, NOT_COMPOSED), now)

    def in_doubt(self, doubts: int, now: datetime) -> datetime | None:
        """When a mail is sent again after `doubts` attempts without a reply; None to hold it."""
        delay = retry_backoff.uncertain_delay(doubts) if self.uncertain == "resend" else None
        return None if delay is None else now + delay

    def _deferred(self, delivery: ClaimedDelivery, outcome: SendOutcome, now: datetime) -> DeliveryResult:
        state = UNCERTAIN if delivery.doubts else DEFERRED  # an earlier attempt may have arrived
        if outcome == NOT_STARTED:
            return DeliveryResult(delivery, state, outcome.reply, due_at=now, counted=False)
        if outcome.server_trouble:
            due_at = now + self._with_jitter(retry_backoff.SERVER_TROUBLE_DELAY)
            return DeliveryResult(delivery, state, outcome.reply, outcome.status, due_at, counted=False)
        if outcome.pause_domain:
            return self._domain_paused(delivery, outcome, now)
        return self._deferred_or_given_up(delivery, outcome, now)

    def _domain_paused(self, delivery: ClaimedDelivery, outcome: SendOutcome, now: datetime) -> DeliveryResult:
        """Refused because of us: the domain is paused, and the mail waits until it is too old."""
        pause = domain_pause(outcome)
        return replace(self._postponed(delivery, outcome, now, pause), pause_until=now + pause)

    def _postponed(
        self, delivery: ClaimedDelivery, outcome: SendOutcome, now: datetime, pause: timedelta
    ) -> DeliveryResult:
        """The attempt does not count. A mail that is too old is given up, without counting against the address."""
        if now - delivery.created_at > retry_backoff.MAX_AGE:
            reply = f"gave up after {retry_backoff.MAX_AGE.days} days: {outcome.reply}"
            return DeliveryResult(delivery, REJECTED, reply, outcome.status)
        due_at = now + pause + self._with_jitter(retry_backoff.FIRST_DELAY)
        return DeliveryResult(delivery, DEFERRED, outcome.reply, outcome.status, due_at, counted=False)

    def _deferred_or_given_up(self, delivery: ClaimedDelivery, outcome: SendOutcome, now: datetime) -> DeliveryResult:
        """Try again later. After `RETRY_PERIOD` a 4yz is given up; a 5yz and a refusal because of us are put off."""
        delay = retry_backoff.retry_delay(delivery.attempts)
        if delay is not None:
            return DeliveryResult(delivery, DEFERRED, outcome.reply, outcome.status, now + self._with_jitter(delay))
        if outcome.about_us:
            return self._domain_paused(delivery, outcome, now)
        if outcome.refused:
            return self._postponed(delivery, outcome, now, POLICY_PAUSE)
        return _rejected(delivery, outcome, f"gave up after {_RETRY_HOURS} hours: {outcome.reply}")

    def _with_jitter(self, delay: timedelta) -> timedelta:
        return retry_backoff.with_jitter(delay, self.rng)


def _rejected(delivery: ClaimedDelivery, outcome: SendOutcome, reply: str) -> DeliveryResult:
    """Give up. This counts against the address only where the reply is about the address or its mailbox."""
    bounce = ""
    if outcome.cause in ABOUT_SUBSCRIBER:
        bounce = bounce_kind(outcome.cause, temporary=outcome.state != REJECTED)
    return DeliveryResult(delivery, REJECTED, reply, outcome.status, bounce=bounce, suppress=outcome.no_such_address)
