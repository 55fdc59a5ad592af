"""Unsubscribing in one click, also repeatedly, and signing up again."""

from __future__ import annotations

import pytest
from sqlmodel import select

from digest.db.core import engine
from digest.db.outbox import deliveries
from digest.models import Consent
from digest.services.security import signed_links
from digest.signing import CONFIRM, EDITION, PREFERENCES, UNSUBSCRIBE
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import (
    ADA,
    NOW,
    Browser,
    account_link,
    everything,
    mails,
    only_subscriber,
    path,
    subscribed,
)


@MAINLY_SQLITE
def test_looking_at_the_link_changes_nothing(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.unsubscribe(1))
    before = everything()
    responses = [web.get(link), web.head(link)]

    assert everything() == before
    assert [response.status_code for response in responses] == [200, 200]
    assert responses[1].text == ""


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b""},
        {"content": b"--broken", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"json": {"List-Unsubscribe": "One-Click"}},
        {"data": {"List-Unsubscribe": "One-Click"}, "headers": {"origin": "https://elsewhere.example"}},
    ],
    ids=["urlencoded", "multipart", "empty", "broken", "json", "another origin"],
)
def test_one_post_is_enough(web: Browser, body: dict[str, object]) -> None:
    subscribed(web)
    response = web.post(path(signed_links.unsubscribe(1)), **body)

    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    assert (only_subscriber().state, only_subscriber().left_at, only_subscriber().next_due_at) == ("left", NOW, None)


@MAINLY_SQLITE
def test_a_repeated_click_changes_nothing_and_is_no_error(web: Browser) -> None:
    subscribed(web)
    web.post(path(signed_links.unsubscribe(1)))
    before = everything()
    repeated = web.post(path(signed_links.unsubscribe(1)), data={"List-Unsubscribe": "One-Click"})

    assert repeated.status_code == 200
    assert everything() == before


@MAINLY_SQLITE
def test_a_click_after_erasure_is_no_error(web: Browser) -> None:
    subscribed(web)
    web.post(account_link(web, "erase"))

    assert web.post(path(signed_links.unsubscribe(1))).status_code == 200
    assert web.get(path(signed_links.unsubscribe(1))).status_code == 200


@MAINLY_SQLITE
def test_leaving_is_recorded_and_calls_waiting_editions_back(web: Browser) -> None:
    subscribed(web)
    with engine.transaction() as session:
        new_deliveries = [
            deliveries.NewDelivery(kind, 9, ADA, subscriber_id=1) for kind in ("digest", "welcome", "notice", "resend")
        ]
        deliveries.enqueue(session, [*new_deliveries, deliveries.NewDelivery("digest", 10, "bob@digest.example")], NOW)
    web.post(path(signed_links.unsubscribe(1)))
    states = {(mail.kind, mail.address): mail.state for mail in mails()}

    assert [states[kind, ADA] for kind in ("digest", "welcome", "notice", "resend")] == ["cancelled"] * 4
    assert states["digest", "bob@digest.example"] == "queued"
    with engine.reading() as session:
        assert [event.event for event in session.exec(select(Consent))] == ["asked", "confirmed", "left"]


@MAINLY_SQLITE
def test_a_one_click_post_is_answered_in_a_line_and_records_no_client(web: Browser) -> None:
    subscribed(web)
    response = web.post(path(signed_links.unsubscribe(1)), data={"List-Unsubscribe": "One-Click"})

    assert response.text == "You are unsubscribed.\n"
    with engine.reading() as session:
        assert [event.client for event in session.exec(select(Consent).where(Consent.event == "left"))] == ["one-click"]


@MAINLY_SQLITE
def test_the_button_of_the_page_is_answered_with_a_page_and_records_the_client(web: Browser) -> None:
    subscribed(web)
    fields = {"on_page": "yes", "List-Unsubscribe": "One-Click"}
    response = web.post(path(signed_links.unsubscribe(1)), data=fields)

    assert "<h1>You are unsubscribed</h1>" in response.text
    with engine.reading() as session:
        (client,) = (event.client for event in session.exec(select(Consent).where(Consent.event == "left")))
    assert len(client) == 64


@MAINLY_SQLITE
def test_coming_back_takes_one_button_on_the_preferences(web: Browser) -> None:
    subscribed(web)
    web.post(path(signed_links.unsubscribe(1)))
    response = web.post(path(signed_links.preferences(1)), data={"action": "return"})

    assert response.status_code == 200
    assert (only_subscriber().state, only_subscriber().left_at) == ("active", None)
    assert only_subscriber().next_due_at is not None


@MAINLY_SQLITE
@pytest.mark.parametrize("purpose", [CONFIRM, PREFERENCES, EDITION])
def test_a_link_of_another_purpose_does_nothing(web: Browser, purpose: str) -> None:
    subscribed(web)
    token = signed_links.signer().sign(purpose, 1)
    before = everything()
    responses = [web.get(f"/unsubscribe/{token}"), web.post(f"/unsubscribe/{token}")]

    assert everything() == before
    assert [response.status_code for response in responses] == [400, 400]


@MAINLY_SQLITE
@pytest.mark.parametrize("page", ["confirm", "preferences", "editions"])
def test_an_unsubscribe_link_opens_nothing_else(web: Browser, page: str) -> None:
    subscribed(web)
    token = signed_links.signer().sign(UNSUBSCRIBE, 1)

    assert web.get(f"/{page}/{token}").status_code == 400


@MAINLY_SQLITE
@pytest.mark.parametrize("token", ["x", "WzFd.AAAAAAAAAAAAAAAAAAAAAAAAAAA", "a" * 3000, "%00", "é"])
def test_a_link_that_was_altered_is_refused_calmly(web: Browser, token: str) -> None:
    response = web.post(f"/unsubscribe/{token}")

    assert response.status_code == 400
    assert f"<h1>This {'request' if token == '%00' else 'link'} can’t be read</h1>" in response.text
