"""Sweeping wakes workers for what waits; draining does all of it in one process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count
from types import ModuleType

import pytest

from digest import clock, settings
from digest.db.core.engine import transaction
from digest.db.outbox import claims, leases
from digest.mail.outbox import retry_backoff
from digest.mail.outbox.lease_reaper import LeaseReaper
from digest.models import Announcement, Run, Shard
from digest.models.delivery import DEFERRED, SENT, UNCERTAIN
from digest.services.delivery import delivery_worker
from tests.outbox import Outbox, PlainComposer
from tests.servers import CONTENT, RCPT, MailServer


class QueueCalls:
    """An Enqueue that records its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def freeze(self, run_id: int, shard: int) -> None:
        self.calls.append(("freeze", run_id, shard))

    def deliver(self) -> None:
        self.calls.append(("deliver",))

    def welcome(self, subscriber_id: int) -> None:
        self.calls.append(("welcome", subscriber_id))

    def alive(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_composer(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("digest.services.delivery.render_messages")
    module.MailComposer = PlainComposer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(retry_backoff, "UNCERTAIN_DELAYS", (timedelta(seconds=0.2),) * 4)
    delivery_worker._sweeper.cache_clear()


def claimed_by_a_dead_sender(outbox: Outbox) -> None:
    outbox.enqueue("ada@one.example")
    with transaction() as session:
        lease = leases.open_lease(session, "dead", clock.now())
        claims.claim(session, lease, 8, clock.now(), domain="digest.example")


def test_a_sweep_wakes_workers_for_due_mail_alone(outbox: Outbox) -> None:
    calls = QueueCalls()
    delivery_worker.sweep(calls)
    outbox.enqueue("ada@one.example")
    delivery_worker.sweep(calls)

    assert calls.calls == [("deliver",)]


def test_a_sweep_wakes_workers_for_shards_that_are_not_done(database: str) -> None:
    now = clock.now()
    with transaction() as session:
        announcement = Announcement(id=now.date().toordinal(), day=now.date())
        session.add(announcement)
        session.flush()
        run = Run(slot=now, created_at=now, signals_at=now, batch_through=0, announcement_id=announcement.id or 0)
        session.add(run)
        session.flush()
        run_id = run.id or 0
        session.add(Shard(run_id=run_id, number=0, first=1, last=9, done_at=now))
        session.add(Shard(run_id=run_id, number=1, first=10, last=19))
    calls = QueueCalls()

    delivery_worker.sweep(calls)

    assert calls.calls == [("freeze", run_id, 1)]


def test_draining_sends_everything_that_is_due(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "451 later", address="bob")
    outbox.enqueue("ada@one.example", "bob@one.example")

    counts = delivery_worker.drain()

    assert (counts.sent, counts.deferred) == (1, 1)
    assert outbox.states() == {SENT: 1, DEFERRED: 1}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_draining_takes_over_from_a_dead_sender(
    outbox: Outbox, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases_pass = count(0, settings.get().lease)  # one between two sweeps
    patient = partial(LeaseReaper, monotonic=lambda: float(next(leases_pass)))
    monkeypatch.setattr(delivery_worker, "LeaseReaper", patient)
    claimed_by_a_dead_sender(outbox)

    delivery_worker.drain()

    assert outbox.states() == {SENT: 1}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_draining_with_hold_leaves_what_is_in_doubt(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None]
) -> None:
    configured(UNCERTAIN="hold")
    smtp.fail(CONTENT, "drop")
    outbox.enqueue("ada@one.example")

    counts = delivery_worker.drain()

    assert counts.uncertain == 1
    assert outbox.states() == {UNCERTAIN: 1}


def test_draining_ends_where_no_server_listens(outbox: Outbox, smtp: MailServer) -> None:
    smtp.stop()
    outbox.enqueue("ada@one.example")

    counts = delivery_worker.drain()

    assert counts.trouble
    assert outbox.states() == {DEFERRED: 1}
