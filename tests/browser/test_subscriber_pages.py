"""A subscriber in a browser: change topics, pause, unsubscribe, come back, be erased."""

from __future__ import annotations

from datetime import date, time, timedelta

import httpx
import pytest
import time_machine
from playwright.sync_api import Page, expect

from digest.services.security import signed_links
from tests.browser.site import Site, days, link
from tests.browser.steps import (
    ADA,
    TOPICS,
    subscribe,
    subscriber_row,
    titles_by_reference,
    titles_of,
    type_topics,
    unfold_list,
)
from tests.digest.web.conftest import everything

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
WITHOUT_SCRIPT = pytest.mark.parametrize("context", [False], indirect=True, ids=["no script"])

FRIDAY, SATURDAY = date(2025, 11, 21), date(2025, 11, 22)
A_DAY = timedelta(days=1)


@WITHOUT_SCRIPT
def test_what_stands_in_the_preferences_is_kept(page: Page, site: Site) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    unfold_list(page)
    page.fill("#topics", "policy gradient\nminimax")
    page.select_option("#cadence", "weekly")
    page.select_option("#weekday", "4")
    page.fill("#send_at", "18:30")
    page.check("text=cs.LG")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    page.goto(signed_links.preferences(1))

    assert page.input_value("#topics") == "policy gradient\nminimax"
    assert page.is_checked("text=cs.LG")
    assert (subscriber_row().cadence, subscriber_row().weekday, subscriber_row().send_at) == ("weekly", 4, time(18, 30))


@WITHOUT_SCRIPT
def test_the_next_mail_follows_the_changed_topics(page: Page, site: Site, clock_moves: time_machine.Traveller) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    unfold_list(page)
    page.fill("#topics", "policy gradient\ndifferential privacy")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    clock_moves.shift(A_DAY)
    site.announce(FRIDAY, days(FRIDAY)[0])
    site.run()

    expected = titles_by_reference(("policy gradient", "differential privacy"), FRIDAY)
    assert titles_of(site.digest_mail(ADA), page) == expected


@WITHOUT_SCRIPT
def test_a_pause_holds_the_mail_until_its_day(page: Page, site: Site, clock_moves: time_machine.Traveller) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    page.fill("#paused_until", SATURDAY.isoformat())
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("main")).to_contain_text("paused until Sat 22 Nov 2025")
    site.announce(FRIDAY, days(FRIDAY)[0])
    sent = []
    for _ in range(2):
        clock_moves.shift(A_DAY)
        sent.append(site.run().sent)

    assert sent == [0, 1]


@WITHOUT_SCRIPT
def test_leaving_and_coming_back_take_a_button_each(page: Page, site: Site) -> None:
    subscribe(site)
    page.goto(signed_links.unsubscribe(1))
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    state_after_leaving = subscriber_row().state
    page.get_by_role("link", name="Mail me the link").click()
    page.get_by_role("button", name="Mail me the link").click()
    page.goto(link(site.mail(ADA, "preferences"), "preferences"))
    page.get_by_role("button", name="Subscribe again").click()
    expect(page.get_by_role("status")).to_have_text("You are subscribed again.")

    assert (state_after_leaving, subscriber_row().state) == ("left", "active")
    assert page.input_value("#topics") == "\n".join(TOPICS)


@WITHOUT_SCRIPT
def test_one_click_takes_multipart_and_needs_no_cookie(
    page: Page, site: Site, clock_moves: time_machine.Traveller
) -> None:
    subscribe(site)
    clock_moves.shift(A_DAY)
    site.announce(FRIDAY, days(FRIDAY)[0])
    site.run()
    mail = site.digest_mail(ADA)
    address = str(mail["List-Unsubscribe"]).strip("<>")
    responses = [httpx.post(address, files={"List-Unsubscribe": (None, "One-Click")}) for _ in range(2)]
    site.announce(SATURDAY, days(FRIDAY)[1])
    clock_moves.shift(A_DAY)

    assert [response.status_code for response in responses] == [200, 200]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert subscriber_row().state == "left"
    assert site.run().sent == 0


@WITHOUT_SCRIPT
def test_erasing_leaves_no_trace_of_the_address(page: Page, site: Site, clock_moves: time_machine.Traveller) -> None:
    subscribe(site)
    clock_moves.shift(A_DAY)
    site.announce(FRIDAY, days(FRIDAY)[0])
    site.run()
    edition = link(site.digest_mail(ADA), "editions")
    page.goto(signed_links.preferences(1))
    page.get_by_role("button", name="Delete my data").click()
    page.goto(link(site.mail(ADA, "Erase"), "account"))
    page.get_by_role("button", name="Delete my data").click()
    expect(page.get_by_role("heading", name="Your data is deleted")).to_be_visible()

    assert ADA not in str(everything())
    assert httpx.get(edition).status_code == 404


def test_a_topic_in_error_is_named_where_it_was_typed(page: Page, site: Site) -> None:
    page.goto(site.url)
    type_topics(page, ["graphs", '"open'])
    page.fill("#address", ADA)
    page.get_by_role("button", name="Subscribe").click()

    expect(page.locator("#topics-error")).to_contain_text("‘")
    assert page.input_value("#address") == ADA
    assert everything()["subscriber"] == []


def test_the_preview_shows_what_the_topics_would_have_brought(page: Page, site: Site) -> None:
    site.announce(date(2025, 11, 20), days(FRIDAY)[0])
    page.goto(site.url)
    type_topics(page, TOPICS)
    by_hand = page.get_by_role("button", name="Preview these topics")
    if by_hand.is_visible():
        by_hand.click()

    expect(page.locator("#preview .bars")).to_be_visible()
    # with JavaScript a preview of the first topics alone may come before that of all
    expect(page.locator("#preview .title")).to_have_text(titles_by_reference(TOPICS, date(2025, 11, 20))[:5])
    assert page.locator("#preview mark").count() > 0
