"""CPU per mail by stage, in one process: each stage is done for a window of mails before the next begins."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from typing import TypeVar

from digest import clock, settings
from digest.db.core.engine import reading, transaction
from digest.db.outbox import claims, deliveries, leases
from digest.mail.mime import message_builder
from digest.mail.mime.composer_interface import OutgoingMessage
from digest.mail.outbox.state_transitions import StateTransitions
from digest.mail.smtp import transport
from digest.services.delivery import render_messages as composing
from digest.services.delivery.mail_context import MailContext
from tests.benchmarks import mailing
from tests.benchmarks.report import Report

T = TypeVar("T")


class _Stopwatch:
    """CPU of this process, by stage."""

    def __init__(self) -> None:
        self.cpu_by_stage: dict[str, float] = defaultdict(float)

    def __call__(self, stage: str, work: Callable[[], T]) -> T:
        started_at = time.process_time()
        result = work()
        self.cpu_by_stage[stage] += time.process_time() - started_at
        return result


def measure(report: Report, *, mails: int) -> None:
    """Send that many mails twice, window by window, and report each stage's share of the second time.

    The first time every view of a paper has to be rendered; later subscribers of the same topics share it.
    """
    configuration = settings.get()
    composer, sender, transitions = (
        composing.MailComposer(configuration),
        transport.shared_transport(configuration),
        StateTransitions("resend", random.Random()),
    )
    with transaction() as session:
        lease = leases.open_lease(session, "benchmark", clock.now())
    first, watch, sent_count = _Stopwatch(), _Stopwatch(), 0
    for stopwatch in (first, watch):
        mailing.refill()
        sent_count = 0
        while sent_count < mails and (count := window(composer, sender, transitions, lease, stopwatch)):
            sent_count += count
    with transaction() as session:
        leases.close_lease(session, lease, clock.now())
    transport.close_all()
    for stage, seconds in watch.cpu_by_stage.items():
        report.add(f"CPU: {stage}", "ms/mail", 1000 * seconds / max(sent_count, 1))
    report.add("CPU: render, first time", "ms/mail", 1000 * first.cpu_by_stage["render"] / max(sent_count, 1))
    own_time = watch.cpu_by_stage["render"] + watch.cpu_by_stage["MIME"]
    report.add("CPU: text, HTML and MIME, unsigned", "ms/mail", 1000 * own_time / max(sent_count, 1))


def window(
    composer: composing.MailComposer,
    sender: transport.Transport,
    transitions: StateTransitions,
    lease: int,
    watch: _Stopwatch,
) -> int:
    """One window through all stages."""
    now = clock.now()

    def claim() -> list[claims.ClaimedDelivery]:
        with transaction() as session:
            leases.bump_beat(session, lease)
            return claims.claim(session, lease, sender.size, now, domain="digest.example")

    def look_up() -> Mapping[int, MailContext]:
        with reading() as session:
            return composer._load_contexts(session, rows)

    rows = watch("claim", claim)
    contexts = watch("look up", look_up)
    rendered = watch("render", lambda: [composer._render_mail(row, contexts[row.id]) for row in rows])

    def written() -> list[bytes]:
        envelopes = [composer._envelope(row, contexts[row.id].subscriber, composer._return_path(row)) for row in rows]
        return [
            message_builder.build_message(mail, envelope, composer._encoded_pieces)
            for mail, envelope in zip(rendered, envelopes, strict=True)
        ]  # type: ignore[arg-type]

    raw = watch("MIME", written)
    signer = composer._signer
    signed = watch("DKIM", lambda: [signer.sign(raw_mail) if signer else raw_mail for raw_mail in raw])
    mails = [
        OutgoingMessage(composer._return_path(row), row.address, signed_mail, row.message_id, built=True)
        for row, signed_mail in zip(rows, signed, strict=True)
    ]
    outcomes = watch("SMTP", lambda: [f.result() for f in _all([sender.send(mail, lambda: True) for mail in mails])])
    results = [transitions.result(row, outcome, now) for row, outcome in zip(rows, outcomes, strict=True)]

    def record() -> int:
        with transaction() as session:
            return deliveries.record_results(session, lease, results, now)

    watch("record", record)
    return len(rows)


def _all(futures: list[transport.Future[transport.SendOutcome]]) -> list[transport.Future[transport.SendOutcome]]:
    wait(futures)
    return futures
