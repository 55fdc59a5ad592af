"""Signing up without a mouse: every step is reached by Tab, and what has the focus can be seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from digest.db.core.engine import reading
from digest.db.subscribers import subscribers
from tests.browser.site import Site, link
from tests.browser.steps import ADA, TOPICS, subscriber_row

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

MOST_TABS = 40
LOOK = """selector => {
    const one = document.activeElement;
    const inside = !one.matches(':focus');  // a button within a time field draws its own
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
