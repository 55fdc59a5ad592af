"""The button of a mailed link answers with a redirect to what it did: no reload acts again, nobody forges a result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from digest.models.subscriber import CHANGE_ADDRESS, ERASE, EXPORT
from digest.services.security import signed_links
from digest.services.security.link_and_session_lifetimes import ACTION_RESULT
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, Browser, account_link, everything, only_subscriber, path, subscribed

TOPICS = "offline reinforcement learning"


@pytest.fixture
def unconfirmed(web: Browser) -> Browser:
    """A sign-up that is not confirmed."""
    web.post("/subscribe", data={"address": ADA, "topics": TOPICS})
    return web


def confirm_link() -> str:
    return path(signed_links.confirm(1, 1))


def refusal_link() -> str:
    return path(signed_links.not_me(1, 1))


PRESSED = {"on_page": "yes", "action": "press"}


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("link_of", "action", "heading"),
    [
        (confirm_link, "confirm", "You are subscribed"),
        (confirm_link, "not-me", "You get no mail from here"),
        (refusal_link, "not-me", "You get no mail from here"),
    ],
)
def test_a_button_of_the_confirmation_leads_to_what_it_did(
    unconfirmed: Browser, link_of: Callable[[], str], action: str, heading: str
) -> None:
    answer = unconfirmed.ask("POST", link_of(), data=PRESSED | {"action": action})
    before = everything()
    pages = [unconfirmed.get(answer.headers["location"]) for _ in range(2)]

    assert answer.status_code == 303
    assert [heading in page.text for page in pages] == [True, True]
    assert everything() == before


@MAINLY_SQLITE
def test_the_first_page_after_confirming_promises_the_first_mail(unconfirmed: Browser) -> None:
    first_page = unconfirmed.post(confirm_link())
    again = unconfirmed.post(confirm_link())

    assert "the first mail comes after the next announcement" in first_page.text
    assert "Nothing has changed" in again.text


@MAINLY_SQLITE
def test_the_page_after_adding_topics_lists_those_that_were_added(
    web: Browser, clock_stands: time_machine.Traveller
) -> None:
    subscribed(web)
    clock_stands.shift(timedelta(minutes=30))
    web.post("/subscribe", data={"address": ADA, "topics": f"{TOPICS}\nbandits"})
    page = web.post(path(signed_links.confirm(1, 2)))

    assert "Added to your subscription" in page.text
    assert "bandits" in page.text
    assert TOPICS not in page.text


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("action", "data", "heading"),
    [(ERASE, {}, "Your data is deleted"), (CHANGE_ADDRESS, {"address": "new@digest.example"}, "Check the new inbox")],
)
def test_an_account_action_leads_to_what_it_did(web: Browser, action: str, data: dict[str, str], heading: str) -> None:
    subscribed(web)
    answer = web.ask("POST", account_link(web, action), data=PRESSED | data)
    page = web.get(answer.headers["location"])

    assert answer.status_code == 303
    assert "new@digest.example" not in answer.headers["location"]
    assert heading in page.text


@MAINLY_SQLITE
def test_a_new_address_leads_to_what_was_done(web: Browser) -> None:
    subscribed(web)
    web.post(account_link(web, CHANGE_ADDRESS), data={"address": "new@digest.example"})
    page = web.post(path(signed_links.account("new-address", 2)))

    assert "Your mail comes here now" in page.text
    assert only_subscriber().address == "new@digest.example"


@MAINLY_SQLITE
def test_an_export_is_a_download(web: Browser) -> None:
    subscribed(web)
    answer = web.ask("POST", account_link(web, EXPORT), data=PRESSED)

    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")


@MAINLY_SQLITE
def test_the_page_asks_again_once_the_result_is_old(unconfirmed: Browser, clock_stands: time_machine.Traveller) -> None:
    result_link = unconfirmed.ask("POST", refusal_link(), data=PRESSED).headers["location"]
    clock_stands.shift(ACTION_RESULT + timedelta(seconds=2))

    assert "Never mail you again?" in unconfirmed.get(result_link).text


@MAINLY_SQLITE
@pytest.mark.parametrize("token", ["", "x", "WyJjb25maXJtIl0.aR8.x", "é"])
def test_a_forged_result_is_ignored(unconfirmed: Browser, token: str) -> None:
    assert "Start the subscription?" in unconfirmed.get(f"{confirm_link()}?done={token}").text


@MAINLY_SQLITE
def test_the_result_of_another_link_is_ignored(unconfirmed: Browser) -> None:
    result_query = unconfirmed.ask("POST", refusal_link(), data=PRESSED).headers["location"].partition("?")[2]

    assert (
        "You get no mail from here"
        not in unconfirmed.get(f"{path(signed_links.unsubscribe(1))}/link?{result_query}").text
    )


@MAINLY_SQLITE
def test_unsubscribing_by_the_button_leads_to_its_page_and_one_click_is_answered_at_once(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.unsubscribe(1))
    one_click = web.ask("POST", link, data={"List-Unsubscribe": "One-Click"})
    button = web.ask("POST", link, data={"on_page": "yes", "List-Unsubscribe": "One-Click"})

    assert (one_click.status_code, one_click.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert (button.status_code, button.headers["location"]) == (303, link)
