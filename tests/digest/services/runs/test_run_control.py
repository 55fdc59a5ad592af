"""An administrator's hand on a run: nobody gets two, and what was not sent is new again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest import clock
from digest.db.core.engine import transaction
from digest.errors import NotFound, Refused
from digest.interfaces import NoQueue
from digest.models import Run
from digest.models.edition import PAUSED, PLANNED
from digest.services.admin import subscriber_admin
from digest.services.runs import build_editions, run_control, run_planning
from tests.digest.services.house import add_mail, add_reader, add_run, editions, mail, reader

ACTOR = "a test"
QUEUE = NoQueue()


@pytest.fixture
def ada(service: str) -> int:
    return add_reader("ada@one.example")


@pytest.fixture
def bob(service: str) -> int:
    return add_reader("bob@one.example")


@pytest.fixture
def run(service: str) -> int:
    return add_run()


def test_show_tells_who_got_it_and_who_did_not(ada: int, bob: int, run: int) -> None:
    add_mail(ada, run)
    add_mail(bob, run, state="rejected")
    add_mail(add_reader("cyd@one.example"), run, state="uncertain", held=True)
    add_mail(add_reader("dan@one.example"), run, state="deferred")

    rows = run_control.show(run)

    assert [(row["address"], row["got it"], row["state"]) for row in rows] == [
        ("ada@one.example", "yes", "sent"),
        ("bob@one.example", "no", "rejected"),
        ("cyd@one.example", "perhaps", "uncertain, held"),
        ("dan@one.example", "not yet", "deferred"),
    ]


def test_a_cancelled_edition_makes_its_papers_new_again(ada: int, run: int) -> None:
    waiting = add_mail(ada, run, state="queued", seen=3)

    stopped = run_control.cancel(run, actor=ACTOR)

    assert (stopped.cancelled, stopped.restored) == (1, 1)
    assert mail(waiting).state == "cancelled"
    assert editions() == {ada: True}
    assert reader(ada).seen_through == 3


def test_who_got_the_mail_has_seen_its_papers(ada: int, bob: int, run: int) -> None:
    add_mail(ada, run)
    add_mail(bob, run, state="queued")

    run_control.cancel(run, actor=ACTOR)

    assert (reader(ada).seen_through, reader(bob).seen_through) == (5, 3)
    assert editions() == {ada: False, bob: True}


def test_an_older_edition_restores_nothing(ada: int, run: int) -> None:
    """What came later was chosen on what the older one had shown."""
    add_mail(ada, run, state="queued", seen=3)
    newer = add_run(clock.now() + timedelta(days=1))
    add_mail(ada, newer, day=clock.now().date() + timedelta(days=2), seen=5)

    stopped = run_control.cancel(run, actor=ACTOR)

    assert (stopped.cancelled, stopped.restored) == (1, 0)
    assert reader(ada).seen_through == 5


def test_cancelling_twice_changes_nothing_more(ada: int, run: int) -> None:
    add_mail(ada, run, state="queued", seen=3)
    run_control.cancel(run, actor=ACTOR)

    again = run_control.cancel(run, actor=ACTOR)

    assert (again.cancelled, again.restored) == (0, 0)
    assert reader(ada).seen_through == 3


def test_a_mail_under_way_is_told_when_a_run_is_cancelled(ada: int, run: int) -> None:
    add_mail(ada, run, state="sending")

    stopped = run_control.cancel(run, actor=ACTOR)

    assert (stopped.sending, stopped.restored) == (1, 0)
    assert editions() == {ada: False}


def test_readers_of_a_cancelled_run_are_due_at_their_next_slot(service: str) -> None:
    slot = clock.slot_of(clock.now())
    ada = add_reader("ada@one.example", next_due_at=slot)
    run = add_run(slot, state=PLANNED, shard=(ada, ada))
    run_control.cancel(run, actor=ACTOR)

    run_planning.plan_due(QUEUE)

    assert (reader(ada).next_due_at or slot) > clock.now()
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


def test_a_cancelled_run_can_not_be_paused(run: int) -> None:
    run_control.cancel(run, actor=ACTOR)

    with pytest.raises(Refused, match="cancelled"):
        run_control.pause(run, actor=ACTOR)


@pytest.mark.parametrize("number", [99, 0, -1, 2**40])
def test_a_run_that_is_not_there_is_said(service: str, number: int) -> None:
    with pytest.raises(NotFound, match="runs list"):
        run_control.pause(number, actor=ACTOR)


def test_only_who_missed_it_gets_it_again(ada: int, bob: int, run: int) -> None:
    got, missed = add_mail(ada, run), add_mail(bob, run, state="rejected")

    again = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE)

    assert again.queued == 1
    assert (mail(got).state, mail(missed).state) == ("sent", "queued")


def test_what_may_have_arrived_is_only_listed(ada: int, run: int) -> None:
    held = add_mail(ada, run, state="uncertain", held=True)

    again = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE)

    assert (again.queued, again.held) == (0, ((held, "ada@one.example"),))
    assert mail(held).due_at is None


def test_what_may_have_arrived_goes_out_when_asked(ada: int, run: int) -> None:
    held = add_mail(ada, run, state="uncertain", held=True)

    again = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE, uncertain=True)

    assert (again.queued, again.held) == (1, ())
    assert mail(held).due_at is not None


def test_who_left_or_is_suppressed_gets_nothing_again(ada: int, bob: int, run: int) -> None:
    gone = add_mail(add_reader("cyd@one.example", state="left"), run, state="rejected")
    barred = add_mail(bob, run, state="rejected")
    subscriber_admin.suppress("bob@one.example", reason="asked by phone")

    again = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE)

    assert again.queued == 0
    assert {mail(gone).state, mail(barred).state} == {"rejected"}


def test_a_cancelled_run_goes_on_when_it_is_sent_to_who_missed_it(ada: int, run: int) -> None:
    waiting = add_mail(ada, run, state="queued", seen=3)
    run_control.cancel(run, actor=ACTOR)

    again = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE)

    assert again.queued == 1
    assert mail(waiting).state == "queued"
    assert editions() == {ada: False}
    assert reader(ada).seen_through == 5


def test_a_cancelled_edition_stays_so_where_a_later_one_holds_its_papers(ada: int, run: int) -> None:
    waiting = add_mail(ada, run, state="queued", seen=3)
    run_control.cancel(run, actor=ACTOR)
    add_mail(ada, add_run(clock.now() + timedelta(days=1)), day=clock.now().date() + timedelta(days=2))

    again = run_control.resend_missed(run, actor=ACTOR, enqueue=QUEUE)

    assert again.queued == 0
    assert mail(waiting).state == "cancelled"


def test_a_paused_run_is_told_as_such(ada: int, run: int) -> None:
    add_mail(ada, run, state="queued")
    run_control.pause(run, actor=ACTOR)

    with transaction() as session:
        assert session.get_one(Run, run).state == PAUSED
    assert [row["state"] for row in subscriber_admin.runs(5)] == [PAUSED]
