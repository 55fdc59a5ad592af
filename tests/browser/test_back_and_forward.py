"""Going back, forward and reloading: what is shown is what would be sent, nothing is sent again, no notice stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import httpx
import pytest
from playwright.sync_api import Page, Request, expect
from sqlmodel import select

from digest.compose.edition import Content
from digest.compose.email.template_context import MORE, feedback_suffix
from digest.db.core.engine import reading
from digest.models import Edition
from digest.services.security import signed_links
from tests.browser.site import ADMIN, Site, days, link
from tests.browser.steps import ADA, MAINLY_NO_SCRIPT, MAINLY_SCRIPT, TOPICS, sign_in, sign_up, subscribe, unfold_list
from tests.browser.test_sign_up_form import topic_texts
from tests.combinations import in_turn
from tests.digest.web.conftest import everything

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SCRIPT = pytest.mark.parametrize("context", [True], indirect=True, ids=["script"])

FRIDAY = date(2025, 11, 21)
LIBRARY = "\n".join(
    f"@misc{{paper{number}, title = {{Offline reinforcement learning with pessimism {number}}}}}" for number in range(9)
)


@pytest.fixture
def posts(page: Page) -> list[str]:
    """The addresses of the forms that are sent; previews are none."""
    sent: list[str] = []

    def record(request: Request) -> None:
        if request.method == "POST" and request.is_navigation_request():
            sent.append(request.url)

    page.on("request", record)
    return sent


def leave_and_come_back(page: Page) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Search").first.click()
    page.get_by_role("heading", name="Search all papers").wait_for()
    page.go_back()


@SCRIPT
@pytest.mark.parametrize("leave", [leave_and_come_back, Page.reload])
def test_a_refused_sign_up_is_as_typed_and_not_sent_again(
    page: Page, site: Site, posts: list[str], leave: Callable[[Page], None]
) -> None:
    page.goto(site.url)
    for topic in ("graphs", "(foo"):
        page.fill("#topic", topic)
        page.press("#topic", "Enter")
    page.fill("#address", ADA)
    page.select_option("#cadence", "weekly")
    page.get_by_text("Subjects, sources, exclusions, authors, length").click()
    page.locator("[name=categories]").first.check()
    page.get_by_role("button", name="Subscribe").click()
    expect(page.locator("#topics-error")).to_be_visible()
    leave(page)

    expect(page.locator(".tag")).to_have_count(2)
    assert topic_texts(page) == ["graphs", "(foo"]
    assert (page.input_value("#address"), page.input_value("#cadence")) == (ADA, "weekly")
    assert page.locator("[name=categories]").first.is_checked()
    assert page.locator("[name=categories]").first.is_visible()
    assert len(posts) == 1


@SCRIPT
@pytest.mark.parametrize("leave", [leave_and_come_back, Page.reload])
def test_an_imported_library_is_still_there_and_not_sent_again(
    page: Page, site: Site, posts: list[str], leave: Callable[[Page], None]
) -> None:
    site.announce(date(2025, 11, 20), days(FRIDAY)[0])
    page.goto(site.url)
    page.locator("#library summary").click()
    page.set_input_files("#library_file", {"name": "a.bib", "mimeType": "text/plain", "buffer": LIBRARY.encode()})
    page.get_by_role("button", name="Suggest topics from these papers").click()
    page.locator("#imported").wait_for()
    page.fill("#topic", "mine")
    page.press("#topic", "Enter")
    topics_before = topic_texts(page)
    leave(page)

    expect(page.get_by_label("Also find papers like the")).to_be_checked()
    assert (topic_texts(page)[-1], topic_texts(page)) == ("mine", topics_before)
    assert len(posts) == 1


@SCRIPT
def test_the_category_of_a_refused_sign_up_from_its_page_is_shown_again(page: Page, site: Site) -> None:
    site.announce(date(2025, 11, 20), days(FRIDAY)[0])
    page.goto(f"{site.url}/trending/cs.LG")
    page.locator("form").first.evaluate("form => { form.noValidate = true; }")
    page.fill("#address", "ada@bad..example")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.locator("#address-error")).to_be_visible()
    page.go_back()
    page.go_forward()

    expect(page.locator("[name=categories][value='cs.LG']")).to_be_checked()
    expect(page.locator("[name=categories][value='cs.LG']")).to_be_visible()


@pytest.mark.parametrize(
    ("button", "leave", "context"),
    in_turn(["Save the schedule", "Save topics", "Save", "Pause"], [leave_and_come_back, Page.reload], [True, False]),
    indirect=["context"],
)
def test_saved_preferences_are_not_sent_again(
    page: Page, site: Site, posts: list[str], button: str, leave: Callable[[Page], None]
) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    page.fill("#send_at", "08:15")
    page.get_by_label("Topic 1").fill("offline RL")
    posts.clear()
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("status").first).to_have_text("The mail is paused." if button == "Pause" else "Saved.")
    stored = [page.input_value(selector) for selector in ("#send_at", "#topics")]
    leave(page)

    expect(page.get_by_role("heading", name="Your preferences")).to_be_visible()
    assert [page.input_value(selector) for selector in ("#send_at", "#topics")] == stored
    assert len(posts) == 1


@SCRIPT
@pytest.mark.parametrize("leave", [leave_and_come_back, Page.reload])
def test_what_was_saved_is_said_once(page: Page, site: Site, leave: Callable[[Page], None]) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("status").first).to_have_text("The mail is paused.")
    leave(page)

    expect(page.get_by_role("button", name="End the pause")).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(0)


@MAINLY_NO_SCRIPT
def test_a_text_in_the_address_of_the_preferences_is_not_shown(page: Page, site: Site) -> None:
    subscribe(site)
    page.goto(f"{signed_links.preferences(1)}?done=Send+me+your+password")

    expect(page.get_by_role("status")).to_have_count(0)
    expect(page.locator("main")).not_to_contain_text("password")


@SCRIPT
def test_topics_that_were_edited_but_not_saved_are_those_stored_after_a_reload(page: Page, site: Site) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    page.get_by_label("Topic 1").fill("not saved")
    unfold_list(page)
    page.fill("#topics", "not saved")
    page.reload()

    assert page.get_by_label("Topic 1").input_value() == TOPICS[0]
    assert page.input_value("#topics").splitlines() == list(TOPICS)


@MAINLY_SCRIPT
def test_a_search_shows_the_query_whose_papers_are_listed(page: Page, site: Site) -> None:
    site.announce(date(2025, 11, 20), days(FRIDAY)[0])
    page.goto(f"{site.url}/search")
    for query in ("reinforcement learning", "diffusion"):
        page.fill("#q", query)
        page.press("#q", "Enter")
        page.wait_for_url(f"**q={query.split()[0]}*")
    page.go_back()
    expect(page.locator("#q")).to_have_value("reinforcement learning")
    assert "q=reinforcement" in page.url
    page.go_forward()

    expect(page.locator("#q")).to_have_value("diffusion")
    assert "q=diffusion" in page.url


@pytest.mark.parametrize(
    ("leave", "context"), in_turn([Page.reload, leave_and_come_back], [True, False]), indirect=["context"]
)
def test_a_notice_of_the_administration_is_shown_once_and_its_form_sent_once(
    page: Page, site: Site, posts: list[str], leave: Callable[[Page], None]
) -> None:
    sign_in(page, site, ADMIN)
    page.goto(f"{site.url}/admin/settings")
    posts.clear()
    page.get_by_role("button", name="Send a test mail").click()
    expect(page.get_by_role("status")).to_contain_text("is queued")
    leave(page)

    expect(page.get_by_role("button", name="Send a test mail")).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(0)
    assert len(posts) == 1


@pytest.mark.parametrize(
    ("leave", "context"), in_turn([leave_and_come_back, Page.reload], [True, False]), indirect=["context"]
)
def test_a_finished_sign_up_is_not_sent_again(
    page: Page, site: Site, posts: list[str], leave: Callable[[Page], None]
) -> None:
    sign_up(page, site)
    leave(page)

    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(posts) == 1


def account_page(action: str) -> Callable[[Page, Site], str]:
    """The mailed page of an action, which its subscriber has asked for."""

    def address(page: Page, site: Site) -> str:
        subscribe(site)
        httpx.post(signed_links.preferences(1), data={"action": action}, follow_redirects=True).raise_for_status()
        return signed_links.account(action, 1)

    return address


def address_after_subscribing(address_of: Callable[[], str]) -> Callable[[Page, Site], str]:
    """The page of a mail that a subscriber gets."""

    def address(page: Page, site: Site) -> str:
        site.announce(date(2025, 11, 20), days(FRIDAY)[0])
        subscribe(site)
        return address_of()

    return address


def welcome_feedback() -> str:
    """The feedback page of the first paper of the welcome mail."""
    with reading() as session:
        edition = session.exec(select(Edition)).one()
    return signed_links.feedback(edition.id or 0) + feedback_suffix(
        Content.from_json(edition.content).entries[0].paper, MORE
    )


# By name: the page, its button, and the heading of the answer.
MAILED_BUTTONS = {
    "confirm": (lambda page, site: link(sign_up(page, site), "confirm"), "Yes, send me the mail", "You are subscribed"),
    "not me": (
        lambda page, site: link(sign_up(page, site), "not-me"),
        "Not me, never mail",
        "You get no mail from here",
    ),
    "erase": (account_page("erase"), "Delete my data", "Your data is deleted"),
    "change of address": (account_page("change-address"), "Send the confirmation", "Check the new inbox"),
    "feedback": (address_after_subscribing(welcome_feedback), "More like this", "Noted."),
    "mail link": (
        address_after_subscribing(lambda: f"{signed_links.unsubscribe(1)}/link"),
        "Mail me",
        "Check your inbox",
    ),
    "unsubscribe": (
        address_after_subscribing(lambda: signed_links.unsubscribe(1)),
        "Unsubscribe",
        "You are unsubscribed",
    ),
}


@pytest.mark.parametrize(("mailed", "context"), in_turn(list(MAILED_BUTTONS), [True, False]), indirect=["context"])
def test_the_button_of_a_mailed_link_acts_once(page: Page, site: Site, posts: list[str], mailed: str) -> None:
    address_of, button, heading = MAILED_BUTTONS[mailed]
    page.goto(address_of(page, site))
    if (field := page.locator("#address")).count():
        field.fill("new@digest.example")
    posts.clear()
    page.get_by_role("button", name=button).click()
    page_heading = page.get_by_role("heading", name=heading)
    page_heading.wait_for()
    stored = everything()
    page.reload()
    expect(page_heading).to_be_visible()
    leave_and_come_back(page)
    expect(page_heading).to_be_visible()
    page.go_back()
    page.reload()

    assert len(posts) == 1
    assert everything() == stored
