"""Runs: who is due gets one edition of what is new, whatever happens meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest

from digest.compose.edition import Content
from digest.db.core.engine import transaction
from digest.db.runs import run_cancellation
from digest.errors import BadInput
from digest.models.edition import COMPLETE
from digest.queues import NoQueue
from digest.services.runs import build_editions, run_planning
from digest.services.runs import daily_run as days
from digest.services.subscriptions import update_preferences
from digest.services.subscriptions.preference_fields import Preferences
from digest.services.subscriptions.unsubscribe import unsubscribe
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, paper, utc
from tests.servers import MailServer

TUESDAY = MONDAY + timedelta(days=1)
FRIDAY = MONDAY + timedelta(days=4)


@MAINLY_SQLITE
def test_a_subscriber_gets_the_days_matches_in_one_mail(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Linear bandits", "Kernel methods")

    lab.set_time(utc(MONDAY, 7, 1))
    result = lab.run()

    assert lab.papers("ada") == ["Linear bandits"]
    assert smtp.recipients() == {"ada@example.com": 1}
    assert (result.sent, result.skipped, result.papers) == (1, 0, 1)


@MAINLY_SQLITE
def test_a_run_before_any_ingest_sends_nothing_and_is_no_error(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")

    lab.set_time(utc(MONDAY, 7, 1))
    result = lab.run()

    assert (result.sent, result.skipped) == (0, 1)
    assert smtp.log == []


@MAINLY_SQLITE
def test_run_again_sends_nothing_and_says_so(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Linear bandits")
    lab.run(MONDAY)

    second_run = lab.run(MONDAY)

    assert smtp.recipients() == {"ada@example.com": 1}
    assert (second_run.sent, second_run.papers) == (0, 0)


@MAINLY_SQLITE
def test_a_subscriber_who_joins_after_a_slots_run_was_complete_still_gets_that_slots_mail(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Linear bandits")
    lab.run(MONDAY)
    lab.subscribe("bob", "bandits")
    lab.change("bob", seen_through=0)

    lab.set_time(utc(MONDAY, 7, 1))
    lab.run()

    assert lab.papers("bob") == ["Linear bandits"]
    assert lab.subscriber("bob").next_due_at == utc(TUESDAY, 7)
    assert [run.state for run in lab.runs()] == [COMPLETE]


def test_a_date_run_again_serves_those_who_joined_meanwhile(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Linear bandits")
    lab.run(MONDAY)
    lab.subscribe("bob", "bandits")

    lab.set_time(utc(MONDAY, 8))
    lab.run(MONDAY)

    assert smtp.recipients() == {"ada@example.com": 1, "bob@example.com": 1}


@MAINLY_SQLITE
def test_a_date_before_the_subscription_brings_what_was_new_on_it(lab: Lab) -> None:
    lab.announce(date(2025, 11, 13), "Bandits on Thursday")
    lab.announce(date(2025, 11, 14), "Bandits on Friday")
    lab.subscribe("ada", "bandits")

    lab.run(date(2025, 11, 14))
    lab.run(date(2025, 11, 13))

    assert lab.papers("ada") == ["Bandits on Thursday", "Bandits on Friday"]


@MAINLY_SQLITE
def test_after_an_outage_there_is_one_mail_with_everything(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Bandits one")
    lab.announce(TUESDAY, "Bandits two")

    lab.set_time(utc(FRIDAY, 12))
    lab.announce(FRIDAY, "Bandits three")
    lab.run()
    lab.run()

    assert sorted(lab.papers("ada")) == ["Bandits one", "Bandits three", "Bandits two"]
    assert smtp.recipients() == {"ada@example.com": 1}
    assert lab.subscriber("ada").next_due_at == utc(FRIDAY + timedelta(days=1), 7)


@MAINLY_SQLITE
def test_a_paper_that_a_source_delivers_late_is_still_new(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Bandits in time")
    lab.run(MONDAY)

    lab.set_time(utc(TUESDAY, 6))
    lab.announce(MONDAY, "Bandits too late")
    lab.run(TUESDAY)

    assert lab.papers("ada", TUESDAY) == ["Bandits too late"]


@MAINLY_SQLITE
def test_a_paper_new_on_a_missed_day_is_new_though_its_revision_came_first(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    lab.set_time(utc(TUESDAY, 6))
    lab.store(TUESDAY, paper(900, "Bandits revised", announce_type="replace"))
    lab.store(MONDAY, paper(900, "Bandits revised", announce_type="new"))

    lab.run(TUESDAY)

    assert lab.papers("ada") == ["Bandits revised"]


def test_a_date_weeks_ahead_is_refused(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")

    with pytest.raises(BadInput, match="2026-11-17 is more than 7 days ahead"):
        lab.run(date(2026, 11, 17))


@MAINLY_SQLITE
def test_a_date_run_early_costs_the_subscriber_no_later_slot(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", send_at="18:00")
    lab.announce(MONDAY, "Bandits one")
    lab.set_time(utc(MONDAY, 12))

    lab.run(TUESDAY)

    assert lab.subscriber("ada").next_due_at == utc(MONDAY, 18)


@MAINLY_SQLITE
def test_a_past_date_leaves_the_next_slot_alone(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(date(2025, 11, 14), "Bandits on Friday")
    lab.set_time(utc(MONDAY, 7, 5))  # the day's slot has come and is not planned yet

    lab.run(date(2025, 11, 14))

    assert lab.subscriber("ada").next_due_at == utc(MONDAY, 7)


@pytest.mark.parametrize(
    ("zone", "slot"),
    [
        ("Pacific/Kiritimati", utc(MONDAY, 17)),
        ("Pacific/Pago_Pago", utc(MONDAY, 18)),
        ("Asia/Kathmandu", utc(TUESDAY, 1, 15)),
    ],
)
def test_a_subscriber_far_away_is_due_at_their_own_seven_o_clock(lab: Lab, zone: str, slot: object) -> None:
    lab.subscribe("ada", "bandits", time_zone=zone)

    assert lab.subscriber("ada").next_due_at == slot


def test_a_date_is_each_subscribers_own(lab: Lab) -> None:
    lab.subscribe("east", "bandits", time_zone="Pacific/Kiritimati")
    lab.subscribe("west", "bandits", time_zone="Pacific/Pago_Pago")
    lab.announce(MONDAY, "Bandits")

    lab.run(TUESDAY)

    assert [run.slot for run in lab.runs()] == [utc(MONDAY, 17), utc(TUESDAY, 18)]
    assert [e.day for name in ("east", "west") for e in lab.editions(name)] == [TUESDAY, TUESDAY]


def test_a_changed_zone_gives_no_second_edition_of_a_date(lab: Lab, smtp: MailServer) -> None:
    subscriber_id = lab.subscribe("ada", "bandits", time_zone="Asia/Tokyo", send_at="15:00")
    lab.announce(MONDAY, "Bandits one")
    lab.set_time(utc(MONDAY, 6, 1))
    lab.run()
    lab.announce(MONDAY, "Bandits two")
    update_preferences.save_preferences(subscriber_id, Preferences(topics=("bandits",), time_zone="America/New_York"))  # type: ignore[arg-type]

    lab.set_time(utc(MONDAY, 12, 1))  # seven in New York, still Monday
    lab.run()

    assert smtp.recipients() == {"ada@example.com": 1}
    assert lab.subscriber("ada").next_due_at == utc(TUESDAY, 12)


def test_a_profile_changed_while_its_shard_is_chosen_is_chosen_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    subscriber_id = lab.subscribe("ada", "bandits")
    lab.subscribe("bob", "bandits")
    lab.announce(MONDAY, "Linear bandits", "Kernel methods")
    lab.set_time(utc(MONDAY, 7, 1))
    run_planning.plan_due(NoQueue())
    choose = build_editions.assemble_edition.iter_assembled

    def choose_slowly(*arguments: Any, **more: Any) -> Any:
        choices = [*choose(*arguments, **more)]
        monkeypatch.setattr(build_editions.assemble_edition, "iter_assembled", choose)
        update_preferences.save_preferences(subscriber_id, Preferences(topics=("kernel methods",)))  # type: ignore[arg-type]
        return choices

    monkeypatch.setattr(build_editions.assemble_edition, "iter_assembled", choose_slowly)
    lab.run()

    assert lab.papers("ada") == ["Kernel methods"]
    assert lab.papers("bob") == ["Linear bandits"]
    assert [run.state for run in lab.runs()] == [COMPLETE]


@MAINLY_SQLITE
def test_preferences_changed_after_the_slot_came_cost_no_mail(lab: Lab) -> None:
    subscriber_id = lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Kernel methods")
    lab.set_time(utc(MONDAY, 7, 1))

    update_preferences.save_preferences(subscriber_id, Preferences(topics=("kernel methods",)))  # type: ignore[arg-type]
    lab.run()

    assert lab.papers("ada", MONDAY) == ["Kernel methods"]


@MAINLY_SQLITE
def test_a_pause_begun_after_the_slot_came_holds(lab: Lab, smtp: MailServer) -> None:
    subscriber_id = lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Bandits")
    lab.set_time(utc(MONDAY, 7, 1))

    update_preferences.save_preferences(subscriber_id, Preferences(topics=("bandits",), paused_until=FRIDAY))  # type: ignore[arg-type]
    lab.run()

    assert smtp.log == []
    assert lab.subscriber("ada").next_due_at == utc(FRIDAY, 7)


def test_who_unsubscribes_between_choosing_and_sending_gets_nothing(lab: Lab, smtp: MailServer) -> None:
    subscriber_id = lab.subscribe("ada", "bandits")
    lab.subscribe("bob", "bandits")
    lab.announce(MONDAY, "Bandits")
    lab.set_time(utc(MONDAY, 7, 1))
    for run in run_planning.plan_due(NoQueue()):
        build_editions.build_shard(run, 0)

    unsubscribe(subscriber_id)
    lab.run()

    assert smtp.recipients() == {"bob@example.com": 1}
    assert [d.state for d in lab.deliveries()] == ["cancelled", "sent"]


def test_two_planners_at_once_plan_each_slot_once(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Bandits")
    lab.set_time(utc(MONDAY, 7, 1))

    _at_once(4, lambda: run_planning.plan_due(NoQueue()))

    with build_editions.reading() as session:
        assert build_editions.runs.open_shards(session) == [(1, 0)]


def test_a_shard_frozen_four_times_at_once_is_frozen_once(lab: Lab) -> None:
    for n in range(12):
        lab.subscribe(f"r{n}", "bandits")
    lab.announce(MONDAY, "Bandits")
    lab.set_time(utc(MONDAY, 7, 1))
    (run,) = run_planning.plan_due(NoQueue())

    frozen = _at_once(4, lambda: build_editions.build_shard(run, 0))

    assert sorted(frozen) == [False, False, False, True]
    assert len(lab.deliveries()) == 12


def test_the_last_two_shards_frozen_at_once_complete_the_run(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_planning, "SHARD_SIZE", 4)
    for n in range(12):
        lab.subscribe(f"r{n}", "bandits")
    lab.announce(MONDAY, "Bandits")
    lab.set_time(utc(MONDAY, 7, 1))
    (run,) = run_planning.plan_due(NoQueue())
    numbers = iter(range(4))

    frozen = _at_once(4, lambda: build_editions.build_shard(run, next(numbers)))

    assert frozen == [True] * 4
    assert [run_row.state for run_row in lab.runs()] == [COMPLETE]


def test_a_date_run_by_two_at_once_sends_each_mail_once(lab: Lab, smtp: MailServer) -> None:
    for n in range(8):
        lab.subscribe(f"r{n}", "bandits")
    lab.announce(MONDAY, "Bandits")

    _at_once(2, lambda: lab.run(MONDAY))

    assert smtp.recipients() == {f"r{n}@example.com": 1 for n in range(8)}


def test_a_run_cancelled_while_its_shard_is_chosen_freezes_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Bandits")
    lab.set_time(utc(MONDAY, 7, 1))
    (run,) = run_planning.plan_due(NoQueue())
    choose = build_editions.assemble_edition.iter_assembled

    def choose_slowly(*arguments: Any, **more: Any) -> Any:
        choices = [*choose(*arguments, **more)]
        with transaction() as session:
            run_cancellation.cancel_run(session, run)
        return choices

    monkeypatch.setattr(build_editions.assemble_edition, "iter_assembled", choose_slowly)

    assert not build_editions.build_shard(run, 0)
    assert lab.editions("ada") == []


def test_subscribers_due_at_a_cancelled_run_get_their_papers_with_the_next(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Bandits")
    lab.set_time(utc(MONDAY, 7, 1))
    (run,) = run_planning.plan_due(NoQueue())
    with transaction() as session:
        run_cancellation.cancel_run(session, run)

    lab.run()
    lab.set_time(utc(TUESDAY, 7, 1))
    lab.run()

    assert lab.papers("ada", TUESDAY) == ["Bandits"]


@MAINLY_SQLITE
def test_only_the_named_subscriber_is_served(lab: Lab, smtp: MailServer) -> None:
    for name in ("ada", "bob"):
        lab.subscribe(name, "bandits")
    lab.announce(MONDAY, "Bandits")
    lab.set_time(utc(MONDAY, 7, 1))

    lab.run(only="bob")
    first = dict(smtp.recipients())
    lab.run()

    assert first == {"bob@example.com": 1}
    assert smtp.recipients() == {"ada@example.com": 1, "bob@example.com": 1}


@pytest.mark.parametrize("day", [None, MONDAY])
def test_a_rehearsal_says_what_the_run_then_does(lab: Lab, smtp: MailServer, day: date | None) -> None:
    lab.subscribe("ada", "bandits", time_zone="Asia/Tokyo")
    lab.subscribe("bob", "quantum sensing")
    lab.subscribe("eve", "bandits", "kernel methods", time_zone="America/Los_Angeles")
    lab.announce(date(2025, 11, 14), "Old bandits", "Bandits again", "Sensors and bandits")
    lab.announce(MONDAY, "Linear bandits", "Kernel methods", "Methods of the kernel trade")
    lab.set_time(utc(MONDAY, 7, 1))

    rehearsed = [(c.subscriber.id, c.content) for c in run_planning.dry_run(day)]
    before = (len(smtp.log), len(lab.runs()))
    rehearsal = days.dry_run(day)
    real = lab.run(day)

    assert before == (0, 0)
    editions = [edition for name in ("ada", "bob", "eve") for edition in lab.editions(name)]
    frozen = {edition.subscriber_id: Content.from_json(edition.content) for edition in editions}
    assert {number: content for number, content in rehearsed if content.entries} == frozen
    assert (rehearsal.queued, rehearsal.skipped, rehearsal.papers) == (real.sent, real.skipped, real.papers)


@MAINLY_SQLITE
def test_a_quiet_day_mail_goes_to_those_who_chose_it(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits", quiet_day="notice")
    lab.subscribe("bob", "bandits")
    lab.announce(MONDAY, "Kernel methods")

    lab.run(MONDAY)

    (received,) = smtp.log
    assert received.recipient == "ada@example.com"
    assert b"Nothing new for your topics" in received.raw


def test_a_paused_subscriber_gets_nothing_until_the_date(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.change("ada", paused_until=TUESDAY)
    lab.announce(MONDAY, "Bandits")

    lab.run(MONDAY)
    none = len(smtp.log)
    lab.run(TUESDAY)

    assert none == 0
    assert lab.papers("ada", TUESDAY) == ["Bandits"]


def test_smtp_down_leaves_the_mails_waiting_and_they_go_out_later(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Bandits")
    smtp.stop()
    first = lab.run(MONDAY)
    smtp.start()

    lab.set_time(utc(MONDAY, 12))
    second = lab.run(MONDAY)

    assert (first.sent, first.deferred + first.queued) == (0, 1)
    assert second.sent == 1
    assert smtp.recipients() == {"ada@example.com": 1}


def _at_once(number: int, work: Callable[[], Any]) -> list[Any]:
    """Run `work` in `number` threads that begin together; raise what any of them raised."""
    gate = threading.Barrier(number)

    def call(_: int) -> Any:
        gate.wait()
        return work()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(call, range(number)))
