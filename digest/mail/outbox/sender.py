"""Sending what is due. One transaction records what ended and claims as many as connections are free.

A claimed row is `sending` and in flight: there are never more of them than connections. The beat of the lease is
bumped by the same transactions, so a sender that hangs stops beating; when it is too old no content is offered.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import timedelta
from functools import partial

from sqlmodel import Session

from digest import clock, logs
from digest.db.core.retry_transaction import patiently
from digest.db.outbox import claims, deliveries, leases, session_replies
from digest.db.outbox.deliveries import Claimed, Result
from digest.errors import DigestError, Transient
from digest.mail.mime.outgoing_message import Composer, Letter, Withheld
from digest.mail.outbox import retry_backoff, server_refusals
from digest.mail.outbox.send_counters import Counts, Tally
from digest.mail.outbox.server_refusals import Review
from digest.mail.outbox.state_transitions import Judge
from digest.mail.smtp.reply_classification import Outcome
from digest.mail.smtp.transport import Transport, shared
from digest.mail.throttle import throttle as throttles
from digest.mail.throttle.throttle import Throttle
from digest.models.delivery import ALARM, UNCERTAIN
from digest.settings import Settings

log = logs.get(__name__)

SECONDS_TO_ABANDON = 5.0
SECONDS_TO_GATHER = 0.005  # what ends this soon after the first shares its transaction
SOON = timedelta(seconds=1)
SECONDS_TO_LINGER = 0.2  # between looks for mails that come due one by one, at their domain's rate


class LeaseLost(Transient):
    """Somebody took this sender for dead. What it claimed is theirs now."""


def deliver_due(
    composer: Composer,
    settings: Settings,
    *,
    seconds: float = 10.0,
    stop: Callable[[], bool] = lambda: False,
    busy: Callable[[], None] = lambda: None,
) -> Counts:
    """Send what is due, for about so many seconds; what is in flight then is waited for.

    `stop` ends it early. `busy` is called once where a first window was full: another sender would have work.
    Raises Transient where the database stays away.
    """
    return Sender(composer, settings, shared(settings), throttles.shared(settings)).send(
        seconds=seconds, stop=stop, busy=busy
    )


class Sender:
    """One pass over the outbox: opens a lease, sends window after window, closes it. Not for two threads."""

    def __init__(self, composer: Composer, settings: Settings, transport: Transport, throttle: Throttle) -> None:
        self._composer, self._settings = composer, settings
        self._transport, self._throttle = transport, throttle
        self._judge = Judge(settings.uncertain, random.Random())
        # Two beats fit into the time in which content may be offered.
        self._beat_seconds = min(settings.lease / 4, (settings.lease - settings.message_timeout) / 2)
        self._lease = 0
        self._fresh_until = 0.0
        self._flying: dict[Future[Outcome], Claimed] = {}
        self._ended: list[Result] = []  # known, but not yet recorded
        self._tally = Tally()
        self._accepted = 0  # since the last look at refusals
        self._server_rests = False  # it refuses mail for many domains; only alarms are tried

    def send(self, *, seconds: float, stop: Callable[[], bool], busy: Callable[[], None]) -> Counts:
        """Do the pass. See `deliver_due`."""
        self._lease = patiently(self._open, seconds=self._settings.lease)
        try:
            self._windows(time.monotonic() + seconds, stop, busy)
        except LeaseLost:
            self._lost()
            return self._tally.counts(more=True)
        except BaseException:
            self._abandon()
            raise
        more = patiently(self._close, seconds=self._settings.lease)
        if self._server_rests:
            self._tally.trouble = self._tally.paused = True
        return self._tally.counts(more=more)

    def _windows(self, until: float, stop: Callable[[], bool], busy: Callable[[], None]) -> None:
        first = True
        while True:
            over = time.monotonic() >= until or stop() or self._tally.trouble
            room, rest = (0, 0.0) if over else self._room()
            claimed = self._turn(room)
            if first and len(claimed) == self._transport.size:
                busy()
            first = False
            self._start(claimed)
            if self._flying or self._ended:
                self._collect(rest)
            elif not claimed:
                if over or not (rest or self._throttle.holds):
                    return
                time.sleep(SECONDS_TO_LINGER)

    def _room(self) -> tuple[int, float]:
        """How many more may be under way; and where the server's rate allows none, how long until it does."""
        free = self._transport.size - len(self._flying)
        return self._throttle.room(self._transport.server, free) if free else (0, 0.0)

    def _turn(self, room: int) -> list[Claimed]:
        """Record what ended and claim as many, in one transaction. Raises LeaseLost."""
        began = time.monotonic()
        turn = partial(self._record_and_claim, self._ended, room)
        fenced, claimed, review = patiently(turn, seconds=self._settings.lease)
        self._beat_at(began)
        self._throttle.spent(self._transport.server, len(claimed))
        self._tally.note(self._ended)
        self._tally.fenced += fenced
        self._accepted += server_refusals.accepted(self._ended)
        self._ended = []
        if review.reply:
            self._rest(review)
        return claimed

    def _rest(self, review: Review) -> None:
        """The server refuses us: the pass ends, and what was rejected waits."""
        log.error("mail_server_refuses", answer=review.reply[:11], taken_back=review.taken_back)
        self._tally.take_back(review.taken_back)
        self._tally.trouble = self._tally.paused = True
        self._accepted = 0

    def _record_and_claim(
        self, ended: Sequence[Result], room: int, session: Session
    ) -> tuple[int, list[Claimed], Review]:
        if not leases.bump_beat(session, self._lease):
            raise LeaseLost("the sender's lease was taken over")
        now = clock.now()
        fenced = deliveries.record(session, self._lease, ended, now)
        review = server_refusals.review(session, ended, self._accepted + server_refusals.accepted(ended), now)
        domain, only = self._settings.mail_domain or "localhost", ALARM if self._server_rests else ""
        room = 0 if review.reply else room
        claimed = claims.claim(session, self._lease, room, now, domain=domain, gate=self._throttle, only=only)
        return fenced, claimed, review

    def _start(self, claimed: Sequence[Claimed]) -> None:
        """Compose what was claimed, each handed over as soon as it is there; what is withheld has ended already."""
        left = {delivery.id: delivery for delivery in claimed}
        for number, letter in self._composed(claimed):
            delivery = left.pop(number)
            if isinstance(letter, Letter):
                self._flying[self._transport.send(letter, self._may_offer)] = delivery
            else:
                self._ended.append(self._judge.withheld(delivery, letter, clock.now()))
        self._ended += [self._judge.withheld(delivery, None, clock.now()) for delivery in left.values()]

    def _composed(self, claimed: Sequence[Claimed]) -> Iterator[tuple[int, Letter | Withheld]]:
        """A composer that fails costs what is left of this window a try, not the pass."""
        if not claimed:
            return
        try:
            yield from self._composer.compose(claimed)
        except DigestError:
            log.exception("composing_failed", deliveries=[delivery.id for delivery in claimed])

    def _collect(self, rest: float = 0.0) -> None:
        """Wait until something ended, or a beat is due, or more may go after `rest`, and keep what it came to."""
        longest = min(max(rest, SECONDS_TO_LINGER), self._beat_seconds) if rest else self._beat_seconds
        done, flying = wait(self._flying, timeout=0.0 if self._ended else longest, return_when=FIRST_COMPLETED)
        if done and flying:
            done, _ = wait(self._flying, timeout=SECONDS_TO_GATHER)
        for future in done:
            delivery = self._flying.pop(future)
            failed = future.exception()
            outcome = Outcome(UNCERTAIN, f"the sender failed: {failed!r}") if failed else future.result()
            self._alarm(delivery, outcome)
            self._ended.append(self._judge.result(delivery, outcome, clock.now()))

    def _alarm(self, delivery: Claimed, outcome: Outcome) -> None:
        """Say what an administrator must know; a server's words may name an address, so only their beginning."""
        if outcome.server_trouble:
            self._tally.trouble = True
            self._tally.refusal = outcome.reply if outcome.refused else self._tally.refusal
            log.error("mail_server_trouble", answer=outcome.reply[:11], status=outcome.status)
        if outcome.slow_down:
            self._throttle.slow(delivery.domain)
        if outcome.pause_domain:
            self._tally.paused = True
            log.error("domain_paused", domain=delivery.domain, status=outcome.status)

    def _lost(self) -> None:
        """What still flies can't be recorded any more: whoever took over has made it uncertain."""
        log.error("lease_lost", lease=self._lease, flying=len(self._flying))
        self._tally.fenced += len(self._ended) + len(self._flying)
        wait(self._flying)
        self._flying.clear()

    def _abandon(self) -> None:
        """The pass failed. What is known is recorded; what was not begun is due again after a wait."""
        wait(self._flying)
        self._collect()
        try:
            patiently(partial(self._record_and_claim, self._ended, 0), seconds=SECONDS_TO_ABANDON)
            patiently(self._close, seconds=SECONDS_TO_ABANDON)
        except Transient:
            log.exception("pass_abandoned", lease=self._lease)  # the sweeper does the rest

    def _may_offer(self) -> bool:
        return time.monotonic() < self._fresh_until

    def _beat_at(self, moment: float) -> None:
        """A content offered before then has ended, answered or timed out, before the lease can be taken over."""
        self._fresh_until = moment + self._settings.lease - self._settings.message_timeout

    def _open(self, session: Session) -> int:
        now = clock.now()
        self._server_rests = session_replies.server_pause(session, now) is not None
        return leases.open_lease(session, f"{socket.gethostname()}:{os.getpid()}", now)

    def _close(self, session: Session) -> bool:
        now = clock.now()
        server_refusals.note_accepted(session, self._accepted, now)
        leases.close_lease(session, self._lease, now + retry_backoff.FIRST)
        return deliveries.is_due(session, now + SOON if self._throttle.holds else now)
