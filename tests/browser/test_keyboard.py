"""Without a mouse: every step is reached by Tab, and what has the focus can be seen and is not covered."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from digest.db.core.engine import reading
from digest.db.subscribers import subscribers
from digest.services.security import signed_links
from tests.browser.site import ADMIN, Site, link
from tests.browser.steps import ADA, MAINLY_NO_SCRIPT, MAINLY_SCRIPT, TOPICS, sign_in, subscribe, subscriber_row

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

MOST_TABS = 80
LOOK = """selector => {
    const one = document.activeElement;
    const inside = !one.matches(':focus');  // a button within a time field draws its own
    const box = one.getBoundingClientRect();
    if (!inside && (box.bottom <= 0 || box.top >= innerHeight)) return [false, false];  // not to be seen
    return [one.matches(selector), inside || getComputedStyle(one).outlineStyle !== 'none'];
}"""


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus; each stop on the way shows where the focus is."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        is_reached, has_focus_ring = page.evaluate(LOOK, selector)
        assert has_focus_ring
        if is_reached:
            return
    raise AssertionError(f"{selector} is not reached by Tab")


def press_to_send(page: Page, key: str, answer: str) -> None:
    """Press a key that sends a form, and wait for the next page, which may say the same as this one."""
    with page.expect_navigation():
        page.keyboard.press(key)
    expect(page.get_by_role("status").first).to_have_text(answer)


def test_a_person_signs_up_with_the_keyboard_alone(page: Page, site: Site) -> None:
    page.goto(site.url)
    scripted = page.locator("#topic").count() == 1
    tab_to(page, "#topic" if scripted else "#topics")
    for topic in TOPICS:
        page.keyboard.type(topic)
        page.keyboard.press("Enter")
    tab_to(page, "#address")
    page.keyboard.type(ADA)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    page.goto(link(site.mail(ADA), "confirm"))
    tab_to(page, "button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are subscribed")).to_be_visible()

    with reading() as session:
        profile = subscribers.profile_of(session, subscriber_row())
    assert tuple(topic.text for topic in profile.topics) == TOPICS


@pytest.mark.parametrize("context", [True], indirect=True, ids=["script"])
def test_a_topic_is_taken_away_with_the_keyboard(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?topics=graphs%0Aminimax")
    tab_to(page, ".tag .remove")
    page.keyboard.press("Enter")

    expect(page.locator(".tag")).to_have_count(1)
    expect(page.locator("#topic")).to_be_focused()


@MAINLY_SCRIPT
def test_preferences_are_changed_with_the_keyboard_alone(page: Page, site: Site) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    tab_to(page, "[name=edited]")
    page.keyboard.press("Control+a")
    page.keyboard.type("offline RL")
    press_to_send(page, "Enter", "Saved.")
    tab_to(page, "[aria-label='Delete sample complexity']")
    press_to_send(page, "Enter", "Saved.")
    tab_to(page, "#cadence")
    page.keyboard.press("ArrowDown")
    tab_to(page, "[value=save-schedule]")
    press_to_send(page, "Space", "Saved.")
    tab_to(page, "[value=pause]")
    press_to_send(page, "Enter", "The mail is paused.")

    with reading() as session:
        profile = subscribers.profile_of(session, subscriber_row())
    assert [topic.text for topic in profile.topics] == ["offline RL", TOPICS[2]]
    assert (subscriber_row().cadence, subscriber_row().paused_until is not None) == ("weekdays", True)


@MAINLY_NO_SCRIPT
def test_an_administrator_finds_and_suppresses_a_subscriber_with_the_keyboard_alone(page: Page, site: Site) -> None:
    subscribe(site)
    sign_in(page, site, ADMIN)
    tab_to(page, ".admin-nav a[href='/admin/subscribers']")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Subscribers").wait_for()
    tab_to(page, "#q")
    page.keyboard.type("ada")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=ada*")
    tab_to(page, "tbody a")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=ADA).wait_for()
    tab_to(page, "#suppress-reason")
    page.keyboard.type("asked by phone")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_have_text("This address is not mailed any more.")


@MAINLY_SCRIPT
def test_the_first_tab_leads_past_the_navigation(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/trending")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
