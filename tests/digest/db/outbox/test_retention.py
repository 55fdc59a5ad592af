"""Cancelled, paused and resumed runs; held domains and mails; retention."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest import clock
from digest.db.core.engine import transaction
from digest.db.outbox import deliveries, retention
from digest.models import Announcement, Run, Shard
from digest.models.delivery import CANCELLED, QUEUED, SENT, UNCERTAIN
from digest.models.edition import COMPLETE, PLANNED
from tests.outbox import Outbox
from tests.servers import CONTENT, DROP, RCPT, MailServer


@pytest.fixture
def run_id(outbox: Outbox) -> int:
    """A run with two queued mails."""
    now = clock.now()
    with transaction() as session:
        announcement = Announcement(id=now.date().toordinal(), day=now.date())
        session.add(announcement)
        session.flush()
        run = Run(slot=now, created_at=now, signals_at=now, batch_through=0, announcement_id=announcement.id or 0)
        session.add(run)
        session.flush()
        new_run_id = run.id or 0
    outbox.enqueue("ada@one.example", "bob@one.example", run_id=new_run_id)
    return new_run_id


def test_a_cancelled_run_sends_nothing(outbox: Outbox, smtp: MailServer, run_id: int) -> None:
    with transaction() as session:
        cancelled = retention.cancel_run(session, run_id)

    outbox.send()

    assert cancelled == 2
    assert smtp.log == []
    assert outbox.states() == {CANCELLED: 2}


def test_what_is_in_doubt_when_a_run_is_cancelled_is_held(outbox: Outbox, smtp: MailServer, run_id: int) -> None:
    smtp.fail(CONTENT, DROP, address="ada")
    outbox.send()
    with transaction() as session:
        retention.cancel_run(session, run_id)
        held_rows = retention.held_deliveries(session, run_id)

    assert [row.address for row in held_rows] == ["ada@one.example"]
    assert outbox.states() == {SENT: 1, UNCERTAIN: 1}


def test_a_paused_run_waits_until_it_is_resumed(outbox: Outbox, smtp: MailServer, run_id: int) -> None:
    with transaction() as session:
        retention.pause_run(session, run_id)
    paused = outbox.send()
    with transaction() as session:
        resumed = retention.resume_run(session, run_id, clock.now())

    outbox.send()

    assert paused.sent == 0
    assert resumed == 2
    assert outbox.states() == {SENT: 2}


@pytest.mark.parametrize(("frozen", "state"), [(True, COMPLETE), (False, PLANNED)])
def test_a_resumed_run_is_as_far_as_its_shards(run_id: int, frozen: bool, state: str) -> None:
    done_at = clock.now() if frozen else None
    with transaction() as session:
        session.add(Shard(run_id=run_id, number=0, first=1, last=9, done_at=done_at))
        retention.pause_run(session, run_id)

    with transaction() as session:
        retention.resume_run(session, run_id, clock.now())
        run = session.get_one(Run, run_id)
        unfrozen = retention.unfinished_shards(session, limit=9)

    assert run.state == state
    assert unfrozen == ([] if frozen else [(run_id, 0)])


def test_a_cancelled_run_can_not_be_resumed(outbox: Outbox, smtp: MailServer, run_id: int) -> None:
    with transaction() as session:
        retention.cancel_run(session, run_id)
        retention.resume_run(session, run_id, clock.now())

    outbox.send()

    assert smtp.log == []


def test_a_paused_domain_goes_on_when_the_pause_is_over(outbox: Outbox, smtp: MailServer) -> None:
    outbox.enqueue("ada@one.example")
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", clock.now() + timedelta(hours=1), "5.7.1 no")
    during = outbox.send()
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", clock.now() - timedelta(seconds=1), "5.7.1 no")
    outbox.make_due()

    after = outbox.send()

    assert (during.sent, after.sent) == (0, 1)


def test_a_paused_domain_is_no_work_that_waits(outbox: Outbox) -> None:
    outbox.enqueue("ada@one.example")
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", clock.now() + timedelta(hours=1), "5.7.1 no")
        paused = deliveries.is_due(session, clock.now())
        resumed = deliveries.resume_domain(session, "one.example", clock.now())
        due = deliveries.is_due(session, clock.now())

    assert (paused, resumed, due) == (False, True, True)


def test_a_held_mail_goes_out_when_it_is_released(outbox: Outbox, smtp: MailServer, run_id: int) -> None:
    smtp.fail(CONTENT, DROP, address="ada")
    outbox.send()
    outbox.change(lambda row, _: setattr(row, "due_at", None))
    with transaction() as session:
        held_rows = retention.held_deliveries(session, run_id)
        released = retention.release_held(session, [row.id or 0 for row in held_rows], clock.now())

    outbox.send()

    assert released == 1
    assert outbox.states() == {SENT: 2}


def test_only_old_mails_that_are_over_are_forgotten(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "451 later", address="bob")
    outbox.enqueue("ada@one.example", "bob@one.example")
    outbox.send()
    outbox.enqueue("cyd@one.example", first=3)
    with transaction() as session:
        forgotten = retention.delete_finished(session, clock.now() + timedelta(seconds=1))

    assert forgotten == 1
    assert [row.address for row in outbox.rows()] == ["bob@one.example", "cyd@one.example"]
    assert outbox.rows()[1].state == QUEUED
