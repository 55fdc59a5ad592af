"""Export, erasure and change of address: requested on the preferences page, confirmed by a mailed link."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine

from digest.db.core import engine
from digest.db.outbox import deliveries
from digest.models import Bounce, Suppression
from digest.services.security import signed_links
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import (
    ADA,
    NOW,
    Browser,
    RecordingQueue,
    account_link,
    everything,
    mails,
    only_subscriber,
    path,
    subscribed,
)

EVE = "eve@new.example"


def request_move(web: Browser, new_address: str = EVE) -> str:
    """Request a move; return the link that the new address gets."""
    web.post(account_link(web, "change-address"), data={"address": new_address})
    return path(signed_links.account("new-address", 2))


@MAINLY_SQLITE
@pytest.mark.parametrize("action", ["export", "erase", "change-address"])
def test_the_preferences_page_only_has_a_link_mailed(web: Browser, queue: RecordingQueue, action: str) -> None:
    subscribed(web)
    before = only_subscriber()
    response = web.post(path(signed_links.preferences(1)), data={"action": action, "sure": "yes", "address": EVE})

    assert "Check your inbox" in response.text
    assert only_subscriber() == before
    assert [(mail.kind, mail.address) for mail in mails()][1:] == [("account-link", ADA)]
    assert queue.delivered == 2


@MAINLY_SQLITE
def test_the_preferences_page_exports_nothing(web: Browser) -> None:
    subscribed(web)

    assert web.get(path(signed_links.preferences(1)) + "/export").status_code == 404


@MAINLY_SQLITE
def test_links_for_one_day_are_bounded(web: Browser, clock_stands: time_machine.Traveller) -> None:
    subscribed(web)
    responses = [web.post(path(signed_links.preferences(1)), data={"action": "erase"}).status_code for _ in range(7)]

    assert responses == [200] * 6 + [429]
    clock_stands.shift(timedelta(hours=25))
    assert web.post(path(signed_links.preferences(1)), data={"action": "erase"}).status_code == 200


@MAINLY_SQLITE
@pytest.mark.parametrize("action", ["export", "erase", "change-address", "new-address"])
def test_looking_at_a_mailed_link_changes_nothing(web: Browser, action: str) -> None:
    subscribed(web)
    page = request_move(web) if action == "new-address" else account_link(web, action)
    before = everything()
    responses = [web.get(page), web.head(page), web.post(page, data={"on_page": "yes"})]

    assert everything() == before
    assert [response.status_code for response in responses] == [200] * 3
    assert {answer.headers["cache-control"] for answer in responses} == {"no-store"}


def test_the_export_comes_as_a_file(web: Browser) -> None:
    subscribed(web)
    response = web.post(account_link(web, "export"))

    assert json.loads(response.text)["subscriber"]["address"] == ADA
    assert "attachment" in response.headers["content-disposition"]


def test_an_erasure_is_done_once(web: Browser) -> None:
    subscribed(web)
    link = account_link(web, "erase")

    assert [web.post(link).status_code for _ in range(2)] == [200, 410]


@MAINLY_SQLITE
def test_the_new_address_gets_the_mail_and_the_old_one_is_notified(web: Browser) -> None:
    before = subscribed(web)
    response = web.post(request_move(web))
    subscriber = only_subscriber()

    assert response.status_code == 200
    assert (subscriber.address, subscriber.address_key, subscriber.state) == (EVE, EVE, "active")
    assert (subscriber.profile_id, subscriber.next_due_at) == (before.profile_id, before.next_due_at)
    assert [(mail.kind, mail.address) for mail in mails()][-2:] == [("new-address", EVE), ("moved", ADA)]
    assert "address changed" in str(everything()["consent"])


@MAINLY_SQLITE
def test_nothing_moves_before_the_new_address_confirms(web: Browser) -> None:
    before = subscribed(web)
    request_move(web)

    assert only_subscriber() == before


def test_mail_that_waits_goes_to_the_new_address(web: Browser) -> None:
    subscribed(web)
    with engine.transaction() as session:
        deliveries.enqueue(session, [deliveries.NewDelivery("digest", 9, ADA, subscriber_id=1)], NOW)
    web.post(request_move(web))

    assert [(m.address, m.domain) for m in mails() if m.kind == "digest"] == [(EVE, "new.example")]


def test_a_link_to_the_new_address_works_once(web: Browser) -> None:
    subscribed(web)
    link = request_move(web)

    assert [web.post(link).status_code for _ in range(2)] == [200, 410]


def test_only_the_last_address_that_was_proposed_can_confirm(web: Browser) -> None:
    subscribed(web)
    page = account_link(web, "change-address")
    web.post(page, data={"address": "typo@new.example"})
    web.post(page, data={"address": EVE})

    assert web.post(path(signed_links.account("new-address", 2))).status_code == 410
    assert web.post(path(signed_links.account("new-address", 3))).status_code == 200
    assert only_subscriber().address == EVE


@MAINLY_SQLITE
def test_a_taken_or_suppressed_address_gets_no_mail_and_the_answer_is_the_same(web: Browser) -> None:
    subscribed(web)
    subscribed(web, "bob@digest.example")
    with engine.transaction() as session:
        session.add(Suppression(address_key="carl@digest.example", reason="not me", at=NOW))
    page = account_link(web, "change-address")
    addresses = ("bob@digest.example", "carl@digest.example", EVE)
    responses = {web.post(page, data={"address": address}).text for address in addresses}

    assert len(responses) == 1
    assert [mail.address for mail in mails() if mail.kind == "new-address"] == [EVE]


def test_an_address_taken_in_between_is_refused(web: Browser, clock_stands: time_machine.Traveller) -> None:
    subscribed(web)
    link = request_move(web, "bob@digest.example")
    clock_stands.shift(timedelta(minutes=2))  # an inbox gets its next confirmation after a minute
    subscribed(web, "bob@digest.example")

    assert web.post(link).status_code == 409
    assert [row[1] for row in everything()["subscriber"]] == [ADA, "bob@digest.example"]


def test_a_sign_up_that_nobody_confirmed_does_not_block_the_address(
    web: Browser, clock_stands: time_machine.Traveller
) -> None:
    subscribed(web)
    web.post("/subscribe", data={"address": EVE})
    clock_stands.shift(timedelta(minutes=2))  # an inbox gets its next confirmation after a minute
    web.post(request_move(web))

    assert only_subscriber().address == EVE


@MAINLY_SQLITE
def test_a_wrong_address_is_named_and_kept_as_typed(web: Browser) -> None:
    subscribed(web)
    page = account_link(web, "change-address")
    response = web.post(page, data={"address": "nobody"})

    assert response.status_code == 422
    assert 'id="address-error"' in response.text
    assert 'value="nobody"' in response.text


@MAINLY_SQLITE
def test_the_mail_to_the_new_address_does_not_name_the_old_one(web: Browser) -> None:
    subscribed(web)

    assert ADA not in web.get(request_move(web)).text


def test_erasing_after_a_move_leaves_no_trace_of_either_address(web: Browser) -> None:
    subscribed(web)
    with engine.transaction() as session:
        session.add(Bounce(report_key="r1", address_key=ADA, kind="soft", at=NOW))
    web.post(request_move(web))
    web.post(account_link(web, "erase"))
    remaining = str(everything())

    assert ADA not in remaining
    assert EVE not in remaining


def test_erasing_while_a_move_waits_leaves_no_trace(web: Browser) -> None:
    subscribed(web)
    link = request_move(web)
    web.post(account_link(web, "erase"))

    assert EVE not in str(everything())
    assert web.post(link).status_code == 410


@MAINLY_SQLITE
def test_a_suppressed_address_gets_no_link_and_the_page_says_so(web: Browser) -> None:
    subscribed(web)
    with engine.transaction() as session:
        session.add(Suppression(address_key=ADA, reason="complaint", at=NOW))
    response = web.post(path(signed_links.preferences(1)), data={"action": "erase"})

    assert response.status_code == 409
    assert len(mails()) == 1
    assert "write to the administrator" in web.get(path(signed_links.preferences(1))).text
