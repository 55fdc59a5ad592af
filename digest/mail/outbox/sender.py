"""Sends due deliveries. Each transaction records finished ones and claims as many as connections are free.

A claimed row is `sending` and in flight: there are never more of them than connections. The same transactions bump the
beat of the lease, so a sender that hangs stops beating; with a beat that is too old it sends no content.
"""

from __future__ import annotations

import os
import random
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import timedelta
from functools import partial

from sqlmodel import Session

from digest import clock, logs
from digest.db.core import disk_space
from digest.db.core.retry_transaction import retry_transaction
from digest.db.outbox import claims, deliveries, leases, session_replies
from digest.db.outbox.deliveries import ClaimedDelivery, DeliveryResult
from digest.db.reporting import metric_counters
from digest.errors import DigestError, Transient
from digest.mail.mime.composer_interface import Composer, OutgoingMessage, WithheldMail
from digest.mail.outbox import relay_refusals, retry_backoff
from digest.mail.outbox.relay_refusals import RefusalReview
from digest.mail.outbox.send_counters import SendCounter, SendCounts
from digest.mail.outbox.send_metrics import SendMetrics
from digest.mail.outbox.state_transitions import StateTransitions
from digest.mail.smtp.reply_outcome import NO_SESSION, SendOutcome
from digest.mail.smtp.transport import Transport, shared_transport
from digest.mail.throttle import throttle as throttles
from digest.mail.throttle.throttle import Throttle
from digest.models.delivery import ALARM, UNCERTAIN
from digest.settings import Settings

log = logs.get(__name__)

ABANDON_TIMEOUT_SECONDS = 5.0
GATHER_SECONDS = 0.005  # results that arrive this soon after the first share its transaction
RECHECK_DELAY = timedelta(seconds=1)
_ADDRESS = re.compile(r"\S+@\S+")
POLL_SECONDS = 0.2  # between checks for mails that come due one by one at the rate of their domain


class LeaseLost(Transient):
    """The lease was taken over. The claimed deliveries belong to the new holder."""


def deliver_due(
    composer: Composer,
    settings: Settings,
    *,
    seconds: float = 10.0,
    stop: Callable[[], bool] = lambda: False,
    busy: Callable[[], None] = lambda: None,
) -> SendCounts:
    """Send due deliveries for about `seconds`, then wait for those in flight.

    `stop` ends the pass early. `busy` is called once where the first window was full, so another sender would have
    work. Raises Transient where the database stays unreachable, or its disk is almost full.
    """
    return Sender(composer, settings, shared_transport(settings), throttles.shared_throttle(settings)).send(
        seconds=seconds, stop=stop, busy=busy
    )


class Sender:
    """One pass over the outbox: opens a lease, sends window after window, closes it. Not thread-safe."""

    def __init__(self, composer: Composer, settings: Settings, transport: Transport, throttle: Throttle) -> None:
        self._composer, self._settings = composer, settings
        self._transport, self._throttle = transport, throttle
        self._transitions = StateTransitions(settings.uncertain, random.Random())
        # Two beats fit into the time in which content may be sent.
        self._beat_seconds = min(settings.lease / 4, (settings.lease - settings.message_timeout) / 2)
        self._lease_id = 0
        self._content_allowed_until = 0.0
        self._in_flight: dict[Future[SendOutcome], ClaimedDelivery] = {}
        self._started_at: dict[Future[SendOutcome], float] = {}  # by the monotonic clock
        self._unrecorded_results: list[DeliveryResult] = []  # results that are not recorded yet
        self._counter, self._metrics = SendCounter(), SendMetrics()
        self._review = RefusalReview()  # the last review of refusals
        self._server_paused = False  # because it refuses mail for many domains; only alarms are sent

    def send(self, *, seconds: float, stop: Callable[[], bool], busy: Callable[[], None]) -> SendCounts:
        """Run the pass. See `deliver_due`."""
        disk_space.require_mail_reserve()
        self._lease_id = retry_transaction(self._open, seconds=self._settings.lease)
        try:
            self._send_windows(time.monotonic() + seconds, stop, busy)
        except LeaseLost:
            self._handle_lost_lease()
            return self._counter.counts(more=True)
        except BaseException:
            self._abandon()
            raise
        more = retry_transaction(self._close, seconds=self._settings.lease)
        if self._server_paused:
            self._counter.trouble = self._counter.paused = True
        return self._counter.counts(more=more)

    def _send_windows(self, until: float, stop: Callable[[], bool], busy: Callable[[], None]) -> None:
        is_first_window = True
        while True:
            is_ending = (
                time.monotonic() >= until or stop() or self._counter.trouble or not disk_space.has_mail_reserve()
            )
            capacity, pause = (0, 0.0) if is_ending else self._capacity()
            claimed = self._record_and_claim_with_retry(capacity, is_ending=is_ending)
            if is_first_window and len(claimed) == self._transport.size:
                busy()
            is_first_window = False
            self._start(claimed)
            if self._in_flight or self._unrecorded_results:
                self._collect(pause)
            elif not claimed:
                if is_ending or not (pause or self._throttle.has_postponed or self._review.suspected):
                    return
                time.sleep(POLL_SECONDS)

    def _capacity(self) -> tuple[int, float]:
        """How many more mails may be sent now, and the seconds to wait where the server's rate allows none."""
        free = self._transport.size - len(self._in_flight)
        return self._throttle.available(self._transport.server, free) if free else (0, 0.0)

    def _record_and_claim_with_retry(self, capacity: int, *, is_ending: bool) -> list[ClaimedDelivery]:
        """Record finished deliveries and claim others in one transaction. Raises LeaseLost."""
        started_at = time.monotonic()
        may_wait = bool(self._in_flight) or not is_ending
        work = partial(self._record_and_claim, self._unrecorded_results, capacity, may_wait)
        fenced, claimed, self._review = retry_transaction(work, seconds=self._settings.lease)
        self._allow_content_after(started_at)
        self._throttle.record_sent(self._transport.server, len(claimed))
        self._counter.add(self._unrecorded_results)
        self._metrics.count_results(self._unrecorded_results)
        self._counter.fenced += fenced
        self._unrecorded_results = []
        if self._review.reply:
            self._pause_for_refusing_server(self._review)
        return claimed

    def _pause_for_refusing_server(self, review: RefusalReview) -> None:
        """End the pass, because the server refuses us."""
        log.error("mail_server_refuses", answer=review.reply[:11], requeued=review.requeued)
        self._counter.move_to_deferred(review.requeued)
        self._counter.trouble = self._counter.paused = True

    def _record_and_claim(
        self, results: Sequence[DeliveryResult], capacity: int, may_wait: bool, session: Session
    ) -> tuple[int, list[ClaimedDelivery], RefusalReview]:
        if not leases.bump_beat(session, self._lease_id):
            raise LeaseLost("the sender's lease was taken over")
        now = clock.now()
        fenced = deliveries.record_results(session, self._lease_id, results, now)
        review = relay_refusals.review(session, results, self._review, now, may_wait=may_wait)
        domain, only_kind = self._settings.mail_domain or "localhost", ALARM if self._server_paused else ""
        capacity = 0 if review.reply or review.suspected else capacity
        claimed = claims.claim(
            session, self._lease_id, capacity, now, domain=domain, gate=self._throttle, only_kind=only_kind
        )
        return fenced, claimed, review

    def _start(self, claimed: Sequence[ClaimedDelivery]) -> None:
        """Compose the claimed deliveries and start sending each as soon as it is composed."""
        remaining = {delivery.id: delivery for delivery in claimed}
        for delivery_id, message in self._composed(claimed):
            delivery = remaining.pop(delivery_id)
            if isinstance(message, OutgoingMessage):
                future = self._transport.send(message, self._may_send_content)
                self._in_flight[future], self._started_at[future] = delivery, time.monotonic()
            else:
                self._unrecorded_results.append(self._transitions.withheld(delivery, message, clock.now()))
        self._unrecorded_results += [
            self._transitions.withheld(delivery, None, clock.now()) for delivery in remaining.values()
        ]

    def _composed(self, claimed: Sequence[ClaimedDelivery]) -> Iterator[tuple[int, OutgoingMessage | WithheldMail]]:
        """Where the composer fails, the rest of this window is tried again later and the pass goes on."""
        if not claimed:
            return
        try:
            yield from self._composer.compose(claimed)
        except DigestError:
            log.exception("composing_failed", deliveries=[delivery.id for delivery in claimed])

    def _collect(self, pause: float = 0.0) -> None:
        """Wait for a result, the next beat or the end of `pause` (seconds), and store the results."""
        max_wait = min(max(pause, POLL_SECONDS), self._beat_seconds) if pause else self._beat_seconds
        done, pending = wait(
            self._in_flight, timeout=0.0 if self._unrecorded_results else max_wait, return_when=FIRST_COMPLETED
        )
        if done and pending:
            done, _ = wait(self._in_flight, timeout=GATHER_SECONDS)
        for future in done:
            delivery = self._in_flight.pop(future)
            error = future.exception()
            outcome = SendOutcome(UNCERTAIN, f"the sender failed: {error!r}") if error else future.result()
            self._note_failure(delivery, outcome)
            now, seconds = clock.now(), time.monotonic() - self._started_at.pop(future)
            self._metrics.observe_attempt(delivery, outcome.state, seconds, now)
            self._unrecorded_results.append(self._transitions.result(delivery, outcome, now))

    def _note_failure(self, delivery: ClaimedDelivery, outcome: SendOutcome) -> None:
        """Log and count failures that concern us, without addresses that a reply may contain."""
        if outcome.server_trouble:
            self._counter.trouble = True
            self._counter.refusal = outcome.reply if outcome.refused else self._counter.refusal
            log.error("mail_server_trouble", answer=_without_addresses(outcome.reply), status=outcome.status)
        if outcome.slow_down:
            self._throttle.slow(delivery.domain)
        if outcome.pause_domain:
            self._counter.paused = True
            log.error("domain_paused", domain=delivery.domain, status=outcome.status)

    def _handle_lost_lease(self) -> None:
        """Wait for mails in flight, which can no longer be recorded: the reaper has marked them uncertain."""
        log.error("lease_lost", lease=self._lease_id, in_flight=len(self._in_flight))
        self._counter.fenced += len(self._unrecorded_results) + len(self._in_flight)
        wait(self._in_flight)
        self._in_flight.clear()

    def _abandon(self) -> None:
        """Clean up after an error: record the results, and release deliveries that were not started."""
        wait(self._in_flight)
        self._collect()
        try:
            retry_transaction(
                partial(self._record_and_claim, self._unrecorded_results, 0, False), seconds=ABANDON_TIMEOUT_SECONDS
            )
            retry_transaction(self._close, seconds=ABANDON_TIMEOUT_SECONDS)
        except Transient as error:
            log.warning("pass_abandoned", lease=self._lease_id, reason=str(error))  # the lease reaper takes over

    def _may_send_content(self) -> bool:
        return time.monotonic() < self._content_allowed_until

    def _allow_content_after(self, moment: float) -> None:
        """Allow content until a time early enough that it is answered or timed out before the lease can expire."""
        self._content_allowed_until = moment + self._settings.lease - self._settings.message_timeout

    def _open(self, session: Session) -> int:
        now = clock.now()
        self._server_paused = session_replies.server_pause(session, now) is not None
        return leases.open_lease(session, f"{socket.gethostname()}:{os.getpid()}", now)

    def _close(self, session: Session) -> bool:
        now = clock.now()
        leases.close_lease(session, self._lease_id, now + retry_backoff.FIRST_DELAY)
        metric_counters.increase(session, self._metrics.increments())
        return deliveries.is_due(session, now + RECHECK_DELAY if self._throttle.has_postponed else now)


def _without_addresses(reply: str) -> str:
    """The beginning of a reply for the log. What follows its code may name the recipient, unless no session began."""
    if not reply.startswith(NO_SESSION):
        return reply[:11]
    return _ADDRESS.sub("…", reply)[:160]
