"""Cancelled, paused and resumed runs."""

from __future__ import annotations

import pytest

from digest import clock
from digest.db.core.engine import transaction
from digest.db.outbox import held_mail
from digest.db.runs import run_cancellation, run_deliveries, runs
from digest.models import Run, Shard
from digest.models.delivery import CANCELLED, SENT, UNCERTAIN
from digest.models.edition import COMPLETE, PLANNED
from tests.outbox import Outbox
from tests.servers import CONTENT, DROP, MailServer


def test_a_cancelled_run_sends_nothing(outbox: Outbox, smtp: MailServer, run_id: int) -> None:
    with transaction() as session:
        cancelled = run_cancellation.cancel_run(session, run_id)

    outbox.send()

    assert cancelled == 2
    assert smtp.log == []
    assert outbox.states() == {CANCELLED: 2}


def test_what_is_in_doubt_when_a_run_is_cancelled_is_held(outbox: Outbox, smtp: MailServer, run_id: int) -> None:
    smtp.fail(CONTENT, DROP, address="ada")
    outbox.send()
    with transaction() as session:
        run_cancellation.cancel_run(session, run_id)
        held_rows = held_mail.held_deliveries(session, run_id)

    assert [row.address for row in held_rows] == ["ada@one.example"]
    assert outbox.states() == {SENT: 1, UNCERTAIN: 1}


def test_a_paused_run_waits_until_it_is_resumed(outbox: Outbox, smtp: MailServer, run_id: int) -> None:
    with transaction() as session:
        run_deliveries.pause_run(session, run_id)
    paused = outbox.send()
    with transaction() as session:
        resumed = run_deliveries.resume_run(session, run_id, clock.now())

    outbox.send()

    assert paused.sent == 0
    assert resumed == 2
    assert outbox.states() == {SENT: 2}


@pytest.mark.parametrize(("frozen", "state"), [(True, COMPLETE), (False, PLANNED)])
def test_a_resumed_run_is_as_far_as_its_shards(run_id: int, frozen: bool, state: str) -> None:
    done_at = clock.now() if frozen else None
    with transaction() as session:
        session.add(Shard(run_id=run_id, number=0, first=1, last=9, done_at=done_at))
        run_deliveries.pause_run(session, run_id)

    with transaction() as session:
        run_deliveries.resume_run(session, run_id, clock.now())
        run = session.get_one(Run, run_id)
        unfrozen = runs.open_shards(session, limit=9)

    assert run.state == state
    assert unfrozen == ([] if frozen else [(run_id, 0)])


def test_a_cancelled_run_can_not_be_resumed(outbox: Outbox, smtp: MailServer, run_id: int) -> None:
    with transaction() as session:
        run_cancellation.cancel_run(session, run_id)
        run_deliveries.resume_run(session, run_id, clock.now())

    outbox.send()

    assert smtp.log == []
