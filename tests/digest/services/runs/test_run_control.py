"""Cancelling, pausing and resending runs: nobody gets a mail twice, and unsent papers are new again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest import clock
from digest.db.core.engine import transaction
from digest.errors import NotFound, Refused
from digest.models import Run
from digest.models.edition import PAUSED, PLANNED
from digest.queues import NoQueue
from digest.services.admin import installation_stats, subscriber_admin
from digest.services.runs import build_editions, run_control, run_planning
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber, editions, mail, subscriber_row

ACTOR = "a test"
QUEUE = NoQueue()


@pytest.fixture
def ada(service: str) -> int:
    return add_subscriber("ada@one.example")


@pytest.fixture
def bob(service: str) -> int:
    return add_subscriber("bob@one.example")


@pytest.fixture
def run(service: str) -> int:
    return add_run()


def test_show_lists_who_got_the_mail_and_who_did_not(ada: int, bob: int, run: int) -> None:
    add_mail(ada, run)
    add_mail(bob, run, state="rejected")
    add_mail(add_subscriber("cyd@one.example"), run, state="uncertain", is_held=True)
    add_mail(add_subscriber("dan@one.example"), run, state="deferred")

    rows = run_control.list_deliveries(run)

    assert [(row["address"], row["got it"], row["state"]) for row in rows] == [
        ("ada@one.example", "yes", "sent"),
        ("bob@one.example", "no", "rejected"),
        ("cyd@one.example", "perhaps", "uncertain, held"),
        ("dan@one.example", "not yet", "deferred"),
    ]


def test_a_cancelled_edition_makes_its_papers_new_again(ada: int, run: int) -> None:
    waiting = add_mail(ada, run, state="queued", previous_seen=3)

    stopped = run_control.cancel(run, actor=ACTOR)

    assert (stopped.cancelled, stopped.restored) == (1, 1)
    assert mail(waiting).state == "cancelled"
    assert editions() == {ada: True}
    assert subscriber_row(ada).seen_through == 3


def test_delivered_papers_count_as_seen(ada: int, bob: int, run: int) -> None:
    add_mail(ada, run)
    add_mail(bob, run, state="queued")

    run_control.cancel(run, actor=ACTOR)

    assert (subscriber_row(ada).seen_through, subscriber_row(bob).seen_through) == (5, 3)
    assert editions() == {ada: False, bob: True}


def test_an_older_edition_restores_nothing(ada: int, run: int) -> None:
    """What came later was chosen on what the older one had shown."""
    add_mail(ada, run, state="queued", previous_seen=3)
    newer = add_run(clock.now() + timedelta(days=1))
    add_mail(ada, newer, day=clock.now().date() + timedelta(days=2), previous_seen=5)

    stopped = run_control.cancel(run, actor=ACTOR)

    assert (stopped.cancelled, stopped.restored) == (1, 0)
    assert subscriber_row(ada).seen_through == 5


def test_cancelling_twice_changes_nothing_more(ada: int, run: int) -> None:
    add_mail(ada, run, state="queued", previous_seen=3)
    run_control.cancel(run, actor=ACTOR)

    second_cancel = run_control.cancel(run, actor=ACTOR)

    assert (second_cancel.cancelled, second_cancel.restored) == (0, 0)
    assert subscriber_row(ada).seen_through == 3


def test_cancelling_a_run_reports_the_mail_under_way(ada: int, run: int) -> None:
    add_mail(ada, run, state="sending")

    stopped = run_control.cancel(run, actor=ACTOR)

    assert (stopped.sending, stopped.restored) == (1, 0)
    assert editions() == {ada: False}


def test_subscribers_of_a_cancelled_run_are_due_at_their_next_slot(service: str) -> None:
    slot = clock.slot_of(clock.now())
    ada = add_subscriber("ada@one.example", next_due_at=slot)
    run = add_run(slot, state=PLANNED, shard=(ada, ada))
    run_control.cancel(run, actor=ACTOR)

    run_planning.plan_due(QUEUE)

    assert (subscriber_row(ada).next_due_at or slot) > clock.now()
    assert not build_editions.build_shard(run, 0)


def test_a_paused_run_holds_its_mail_until_it_is_resumed(ada: int, run: int) -> None:
    waiting = add_mail(ada, run, state="queued")
    run_control.pause(run, actor=ACTOR)
    paused = mail(waiting).due_at

    resumed = run_control.resume(run, actor=ACTOR, enqueue=QUEUE)

    assert paused is None
    assert resumed == 1
    assert mail(waiting).due_at is not None


def test_only_a_paused_run_can_be_resumed(run: int) -> None:
    with pytest.raises(Refused, match="not paused"):
        run_control.resume(run, actor=ACTOR, enqueue=QUEUE)


def test_a_complete_run_whose_mail_is_sent_can_not_be_paused(ada: int, run: int) -> None:
    add_mail(ada, run, state="sent")

    with pytest.raises(Refused, match="complete"):
        run_control.pause(run, actor=ACTOR)


@pytest.mark.parametrize("state", ["sent", "rejected"])
def test_a_complete_run_without_waiting_mail_can_not_be_cancelled(ada: int, run: int, state: str) -> None:
    add_mail(ada, run, state=state)

    with pytest.raises(Refused, match="nothing to cancel"):
        run_control.cancel(run, actor=ACTOR)


def test_a_cancelled_run_can_not_be_paused(ada: int, run: int) -> None:
    add_mail(ada, run, state="queued")
    run_control.cancel(run, actor=ACTOR)

    with pytest.raises(Refused, match="cancelled"):
        run_control.pause(run, actor=ACTOR)


@pytest.mark.parametrize("number", [99, 0, -1, 2**40])
def test_a_missing_run_is_reported(service: str, number: int) -> None:
    with pytest.raises(NotFound, match="runs list"):
        run_control.pause(number, actor=ACTOR)


def test_only_subscribers_who_missed_the_mail_get_it_again(ada: int, bob: int, run: int) -> None:
    delivered, missed = add_mail(ada, run), add_mail(bob, run, state="rejected")

    resent = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE)

    assert resent.queued == 1
    assert (mail(delivered).state, mail(missed).state) == ("sent", "queued")


def test_what_may_have_arrived_is_only_listed(ada: int, run: int) -> None:
    uncertain_id = add_mail(ada, run, state="uncertain", is_held=True)

    resent = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE)

    assert (resent.queued, resent.uncertain) == (0, ((uncertain_id, "ada@one.example"),))
    assert mail(uncertain_id).due_at is None


def test_what_may_have_arrived_goes_out_on_request(ada: int, run: int) -> None:
    uncertain_id = add_mail(ada, run, state="uncertain", is_held=True)

    resent = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE, uncertain=True)

    assert (resent.queued, resent.uncertain) == (1, ())
    assert mail(uncertain_id).due_at is not None


def test_nothing_is_resent_to_unsubscribed_or_suppressed_addresses(ada: int, bob: int, run: int) -> None:
    left_mail = add_mail(add_subscriber("cyd@one.example", state="left"), run, state="rejected")
    suppressed_mail = add_mail(bob, run, state="rejected")
    subscriber_admin.suppress_address("bob@one.example", reason="asked by phone")

    resent = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE)

    assert resent.queued == 0
    assert {mail(left_mail).state, mail(suppressed_mail).state} == {"rejected"}


def test_a_cancelled_run_goes_on_when_it_is_resent(ada: int, run: int) -> None:
    waiting = add_mail(ada, run, state="queued", previous_seen=3)
    run_control.cancel(run, actor=ACTOR)

    resent = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE)

    assert resent.queued == 1
    assert mail(waiting).state == "queued"
    assert editions() == {ada: False}
    assert subscriber_row(ada).seen_through == 5


def test_a_cancelled_edition_stays_so_where_a_later_one_holds_its_papers(ada: int, run: int) -> None:
    waiting = add_mail(ada, run, state="queued", previous_seen=3)
    run_control.cancel(run, actor=ACTOR)
    add_mail(ada, add_run(clock.now() + timedelta(days=1)), day=clock.now().date() + timedelta(days=2))

    resent = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE)

    assert resent.queued == 0
    assert mail(waiting).state == "cancelled"


def test_a_paused_run_is_reported_as_paused(ada: int, run: int) -> None:
    add_mail(ada, run, state="queued")
    run_control.pause(run, actor=ACTOR)

    with transaction() as session:
        assert session.get_one(Run, run).state == PAUSED
    assert [row["state"] for row in installation_stats.runs(5)] == [PAUSED]
