"""After a wall clock that was ahead: nobody and nothing waits until it has come true."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest import clock
from digest.db.core.engine import transaction
from digest.db.outbox import deliveries
from digest.models.source import SourceState
from digest.services.ingestion import fetch_schedule
from digest.services.runs import run_planning, schedule_repair
from digest.sources import registry
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, utc
from tests.digest.services.stored_rows import store_row
from tests.outbox import Outbox

AHEAD = timedelta(days=400)
TITLE = "Offline reinforcement learning with conservative critics"


@pytest.mark.parametrize("cadence", ["daily", "weekdays", "weekly"])
def test_a_subscriber_gets_the_next_mail_at_the_usual_time(lab: Lab, cadence: str) -> None:
    lab.subscribe("ada", "offline reinforcement learning", cadence=cadence)
    before = lab.subscriber("ada").next_due_at
    lab.set_time(utc(MONDAY, 5) + AHEAD)
    lab.run()
    put_off = lab.subscriber("ada").next_due_at
    lab.set_time(utc(MONDAY, 5))

    schedule_repair.repair_schedules()

    assert put_off is not None
    assert put_off > utc(MONDAY, 5) + AHEAD
    assert lab.subscriber("ada").next_due_at == before


def test_a_pause_is_kept(lab: Lab) -> None:
    lab.subscribe("ada", "offline reinforcement learning")
    until = MONDAY + timedelta(days=200)
    lab.change("ada", paused_until=until, next_due_at=utc(until, 7))

    assert schedule_repair.repair_schedules() == 0
    assert lab.subscriber("ada").next_due_at == utc(until, 7)


@MAINLY_SQLITE
def test_the_mail_of_a_date_that_was_sent_before_its_time_is_not_planned_again(lab: Lab) -> None:
    lab.announce(MONDAY, TITLE)
    lab.subscribe("ada", "offline reinforcement learning")
    lab.set_time(utc(MONDAY, 12))
    lab.run(MONDAY + timedelta(days=1))
    planned = lab.subscriber("ada").next_due_at

    assert schedule_repair.repair_schedules() == 0
    assert lab.subscriber("ada").next_due_at == planned


def test_a_deferred_mail_and_a_paused_domain_go_on(service: str, outbox: Outbox) -> None:
    now = clock.now()
    outbox.enqueue("ada@one.example", "bob@two.example")
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", now + AHEAD, "550 5.7.1 blocked")
        deliveries.pause_domain(session, "two.example", now + timedelta(hours=4), "550 5.7.1 blocked")

    schedule_repair.repair_schedules(now)

    assert [row.due_at == now for row in outbox.rows()] == [True, False]
    with transaction() as session:
        assert deliveries.resume_domain(session, "one.example", now) is None
        assert deliveries.resume_domain(session, "two.example", now) == 1


def test_a_source_that_was_asked_in_the_future_is_due(service: str) -> None:
    for source in registry.enabled_sources():
        store_row(SourceState(source=source.name, attempted_at=clock.now() + AHEAD))

    assert sorted(fetch_schedule.due_sources()) == sorted(source.name for source in registry.enabled_sources())


@MAINLY_SQLITE
def test_with_cron_the_next_run_repairs(lab: Lab) -> None:
    lab.announce(MONDAY, TITLE)
    lab.subscribe("ada", "offline reinforcement learning")
    lab.set_time(utc(MONDAY, 12))
    lab.change("ada", next_due_at=utc(MONDAY, 7) + AHEAD)
    lab.run()

    due_at = lab.subscriber("ada").next_due_at
    assert due_at is not None
    assert run_planning.day_of_slot(lab.subscriber("ada"), due_at) == MONDAY + timedelta(days=1)


def test_papers_that_were_fetched_while_the_clock_was_ahead_are_mailed(lab: Lab) -> None:
    lab.subscribe("ada", "offline reinforcement learning")
    lab.set_time(utc(MONDAY, 5) + timedelta(days=2))
    lab.announce(MONDAY + timedelta(days=2), "Another paper on tensor networks")
    lab.set_time(utc(MONDAY, 6))
    lab.announce(MONDAY, TITLE)
    lab.set_time(utc(MONDAY, 12))

    result = lab.run()

    assert result.sent == 1


def test_what_was_sent_while_the_clock_was_ahead_does_not_count_as_sent_again(lab: Lab) -> None:
    lab.announce(MONDAY, TITLE)
    lab.subscribe("ada", "offline reinforcement learning")
    lab.set_time(utc(MONDAY, 12) + timedelta(days=1))
    while_ahead = lab.run()
    lab.set_time(utc(MONDAY, 12))
    later = lab.run()

    assert (while_ahead.sent, while_ahead.papers) == (1, 1)
    assert (later.sent, later.papers, len(lab.deliveries())) == (0, 0, 1)
