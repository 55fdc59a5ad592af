"""The first edition: minutes after confirming, from the last announcements, and it is that date's edition."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.outbox import claims, deliveries, leases
from digest.models import SignUpRequest
from digest.queues import NoQueue
from digest.services.delivery import delivery_worker
from digest.services.editions import welcome
from digest.services.subscriptions import sign_up_confirmation, update_preferences
from digest.services.subscriptions.preference_fields import Subscription
from digest.services.subscriptions.sign_up import subscribe
from digest.services.subscriptions.unsubscribe import unsubscribe
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, paper, utc
from tests.digest.services.delivery.test_delivery_worker import QueueCalls
from tests.digest.services.editions.test_web_view import text
from tests.servers import MailServer

TUESDAY = MONDAY + timedelta(days=1)


@MAINLY_SQLITE
def test_a_welcome_brings_what_was_announced_before(lab: Lab, smtp: MailServer) -> None:
    lab.announce(MONDAY, "Linear bandits", "Kernel methods")
    subscriber_id = lab.subscribe("ada", "bandits")

    is_created = welcome.first_edition(subscriber_id)
    lab.run()

    assert is_created
    assert lab.papers("ada") == ["Linear bandits"]
    assert smtp.recipients() == {"ada@example.com": 1}


def test_an_inline_run_counts_the_papers_of_first_editions(lab: Lab, smtp: MailServer) -> None:
    lab.announce(MONDAY, "Linear bandits", "Kernel bandits", "Galaxies")
    lab.subscribe("ada", "bandits", send_at="23:00")

    result = lab.run()

    assert (result.sent, result.papers) == (1, 2)
    assert [d.kind for d in lab.deliveries()] == ["welcome"]


def test_a_welcome_given_twice_is_one_mail(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    subscriber_id = lab.subscribe("ada", "bandits")

    results = [welcome.first_edition(subscriber_id), welcome.first_edition(subscriber_id)]

    assert results == [True, False]
    assert [d.kind for d in lab.deliveries()] == ["welcome"]


@MAINLY_SQLITE
def test_the_same_days_run_sends_nothing_more_and_keeps_what_is_new_for_the_next(lab: Lab, smtp: MailServer) -> None:
    lab.announce(MONDAY, "Linear bandits")
    welcome.first_edition(lab.subscribe("ada", "bandits"))
    lab.announce(MONDAY, "Dueling bandits")

    lab.set_time(utc(MONDAY, 7, 1))
    lab.run()
    recipients = dict(smtp.recipients())
    lab.set_time(utc(TUESDAY, 7, 1))
    lab.run()

    assert recipients == {"ada@example.com": 1}
    assert lab.papers("ada", TUESDAY) == ["Dueling bandits"]


@MAINLY_SQLITE
def test_after_the_days_run_there_is_no_welcome(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    subscriber_id = lab.subscribe("ada", "bandits")
    lab.set_time(utc(MONDAY, 7, 1))
    lab.run()

    assert not welcome.first_edition(subscriber_id)


@MAINLY_SQLITE
def test_without_a_match_there_is_none_and_the_run_comes_as_ever(lab: Lab) -> None:
    lab.announce(MONDAY, "Kernel methods")
    subscriber_id = lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Linear bandits")

    is_created = welcome.first_edition(subscriber_id)
    lab.run(MONDAY)

    assert not is_created
    assert lab.papers("ada") == ["Linear bandits"]


def confirmed(lab: Lab, name: str, **subscription: object) -> int:
    """A subscriber who signed up and confirmed on the pages."""
    values = {"address": f"{name}@example.com", "topics": ["bandits"], **subscription}
    subscribe(Subscription(**values), "a client", NoQueue())  # type: ignore[arg-type]
    number = lab.subscriber(name).id or 0
    sign_up_confirmation.confirm(number, last_request(number), "a client", NoQueue())
    return number


@MAINLY_SQLITE
def test_who_confirmed_gets_a_notice_where_nothing_matches_and_the_run_comes_as_ever(
    lab: Lab, smtp: MailServer
) -> None:
    lab.announce(MONDAY, "Kernel methods", "Galaxies")
    number = confirmed(lab, "ada")
    lab.announce(MONDAY, "Linear bandits")

    results = [welcome.first_edition(number), welcome.first_edition(number)]
    delivery_worker.drain()
    notice = text(smtp)
    lab.run(MONDAY)

    assert results == [False, False]
    assert [delivery.kind for delivery in lab.deliveries()] == ["confirmation", "first-notice", "digest"]
    assert notice[0] == "Nothing on bandits yet: the next mail can come on Mon 17 Nov"
    assert "2 papers were announced since Mon 17 Nov; none is on your topics." in notice[1]
    assert "Your next mail comes on Mon 17 Nov if there are papers for you by then, else on the first day" in notice[1]
    assert "/preferences/" in notice[1]
    assert lab.papers("ada") == ["Linear bandits"]


def test_a_first_notice_names_the_day_of_the_chosen_cadence(lab: Lab, smtp: MailServer) -> None:
    lab.announce(MONDAY, "Galaxies", "Proteins")
    welcome.first_edition(confirmed(lab, "ada", quiet_day="notice", send_at="09:00", cadence="weekly", weekday=2))
    delivery_worker.drain()

    subject, body = text(smtp)

    assert subject == "Nothing on bandits yet: the next mail can come on Wed 19 Nov"
    assert "none is on your topics. Your next mail comes on Wed 19 Nov." in body


@MAINLY_SQLITE
def test_who_subscribes_again_gets_a_notice_again(lab: Lab) -> None:
    lab.announce(MONDAY, "Galaxies")
    for _ in range(2):
        number = confirmed(lab, "ada")
        welcome.first_edition(number)
        unsubscribe(number)
        lab.set_time(clock.now() + timedelta(days=2))

    assert [d.kind for d in lab.deliveries() if d.kind != "confirmation"] == ["first-notice"] * 2
    assert {d.state for d in lab.deliveries() if d.kind == "first-notice"} == {"cancelled"}


@MAINLY_SQLITE
def test_a_lost_welcome_is_made_good_by_the_first_run(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    lab.subscribe("ada", "bandits")

    lab.run(MONDAY)

    assert lab.papers("ada") == ["Linear bandits"]


def test_who_unsubscribed_meanwhile_gets_no_welcome(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    subscriber_id = lab.subscribe("ada", "bandits")
    unsubscribe(subscriber_id)

    assert not welcome.first_edition(subscriber_id)


@pytest.mark.parametrize("title", ["Linear bandits", "Galaxies"])
def test_who_has_paused_gets_neither_a_first_edition_nor_a_notice(lab: Lab, title: str) -> None:
    lab.announce(MONDAY, title)
    number = confirmed(lab, "ada")
    update_preferences.save_section(number, {"paused_until": (MONDAY + timedelta(days=10)).isoformat()})
    welcome.first_edition(number)
    welcome.enqueue_missing_welcomes(queue := QueueCalls(), now=clock.now() + timedelta(minutes=5))

    assert [d.kind for d in lab.deliveries()] == ["confirmation"]
    assert queue.calls == []


def test_who_has_paused_is_not_named_for_a_first_edition(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    lab.subscribe("ada", "bandits")
    bob = lab.subscribe("bob", "bandits")
    update_preferences.save_section(bob, {"paused_until": (MONDAY + timedelta(days=10)).isoformat()})

    assert welcome.missing_welcome_addresses(confirmed_until=clock.now(), limit=10) == ["ada@example.com"]


def test_who_confirmed_before_the_first_papers_gets_no_notice_that_there_are_none(lab: Lab) -> None:
    number = confirmed(lab, "ada")
    lab.announce(MONDAY, "Galaxies")
    welcome.first_edition(number)

    assert [d.kind for d in lab.deliveries()] == ["confirmation"]


def test_before_any_announcement_there_is_none(lab: Lab) -> None:
    assert not welcome.first_edition(lab.subscribe("ada", "bandits"))


@MAINLY_SQLITE
def test_papers_of_more_than_two_weeks_ago_stay_out(lab: Lab) -> None:
    for days_ago in range(15, -1, -1):
        lab.store(MONDAY - timedelta(days=days_ago), paper(days_ago + 1, f"Bandits of {days_ago} days ago"))
    subscriber_id = lab.subscribe("ada", "bandits", limit=20)

    welcome.first_edition(subscriber_id)

    assert {*lab.papers("ada")} == {f"Bandits of {days_ago} days ago" for days_ago in range(14)}


def test_a_welcome_whose_wake_up_was_lost_is_enqueued_again(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    subscriber_id = lab.subscribe("ada", "bandits")
    calls = QueueCalls()
    enqueued_early = welcome.enqueue_missing_welcomes(calls, now=clock.now() + timedelta(seconds=30))

    enqueued_later = welcome.enqueue_missing_welcomes(calls, now=clock.now() + timedelta(minutes=3))

    assert (enqueued_early, enqueued_later) == (0, 1)
    assert calls.calls == [("welcome", subscriber_id)]


def test_a_welcome_without_papers_is_not_enqueued_again(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    welcome.first_edition(lab.subscribe("ada", "quantum gravity"))

    assert welcome.enqueue_missing_welcomes(QueueCalls(), now=clock.now() + timedelta(minutes=3)) == 0


def test_welcomes_of_an_import_go_behind_the_days_mail_and_a_confirmed_one_before_it(
    lab: Lab, smtp: MailServer, configured: Callable[..., None]
) -> None:
    configured(CONNECTIONS=1)
    lab.announce(MONDAY, "Linear bandits")
    for name in ("ada", "bob"):
        welcome.first_edition(lab.subscribe(name, "bandits"))
    subscribe(Subscription(address="cyd@example.com", topics=["bandits"]), "a client", NoQueue())
    cyd = lab.subscriber("cyd")
    sign_up_confirmation.confirm(cyd.id or 0, last_request(cyd.id or 0), "a client", NoQueue())
    welcome.first_edition(cyd.id or 0)
    with transaction() as session:
        deliveries.enqueue(session, [deliveries.NewDelivery("digest", 10**6, "the-day@example.com")], clock.now())

    order = claimed_order()

    assert [address for address, kind in order if kind != "confirmation"] == [
        "cyd@example.com",
        "the-day@example.com",
        "ada@example.com",
        "bob@example.com",
    ]


def last_request(subscriber_id: int) -> int:
    with reading() as session:
        newest = select(SignUpRequest.id).where(SignUpRequest.subscriber_id == subscriber_id)
        return max(number for number in session.exec(newest) if number)


def claimed_order() -> list[tuple[str, str]]:
    """The recipients that a sender with one connection would serve, in order."""
    with transaction() as session:
        lease = leases.open_lease(session, "a test", clock.now())
        claimed = [claims.claim(session, lease, 1, clock.now(), domain="digest.example") for _ in range(8)]
    return [(row.address, row.kind) for rows in claimed for row in rows]
