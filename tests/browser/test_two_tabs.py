"""The preferences in two tabs: the second to save the same thing is told, and nothing that was typed is lost."""

from __future__ import annotations

from datetime import time

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from digest.db.core.engine import reading
from digest.matching.profile import Profile
from digest.models import ProfileVersion
from digest.services.security import signed_links
from tests.browser.site import ADMIN, Site
from tests.browser.steps import (
    ADA,
    MAINLY_NO_SCRIPT,
    MAINLY_SCRIPT,
    TOPICS,
    sign_in,
    subscribe,
    subscriber_row,
    unfold_list,
)
from tests.combinations import in_turn

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

CHANGED = "changed elsewhere"


@pytest.fixture
def tabs(page: Page, site: Site, context: BrowserContext) -> tuple[Page, Page]:
    """The preferences of one subscriber, opened twice."""
    subscribe(site)
    other = context.new_page()
    for tab in (page, other):
        tab.goto(signed_links.preferences(1))
    return page, other


def press(tab: Page, name: str) -> None:
    tab.get_by_role("button", name=name, exact=True).click()


def action_result(tab: Page) -> str:
    """What the page says about the last action."""
    line = tab.locator("main section").first.get_by_role("status")
    expect(line).to_be_visible()
    return line.inner_text()


def profile() -> Profile:
    with reading() as session:
        return Profile.from_json(session.get_one(ProfileVersion, subscriber_row().profile_id).profile)


def topics() -> list[str]:
    return [topic.text for topic in profile().topics]


SECTIONS = {
    "topics": ("Save this list", "#topics", "graphs", "minimax"),
    "schedule": ("Save the schedule", "#send_at", "08:15", "09:30"),
    "details": ("Save sources and limits", "#limit", "3", "7"),
    "all": ("Save", "#limit", "3", "7"),
}


@pytest.mark.parametrize(("section", "context"), in_turn(list(SECTIONS), [True, False]), indirect=["context"])
def test_the_second_to_save_a_section_is_told_and_may_then_replace_it(tabs: tuple[Page, Page], section: str) -> None:
    first, second = tabs
    button, field, value, other_value = SECTIONS[section]
    for details in first.locator("details").all() + second.locator("details").all():
        details.evaluate("details => { details.open = true; }")
    first.fill(field, value)
    press(first, button)
    assert action_result(first) == "Saved."
    second.fill(field, other_value)
    press(second, button)

    assert CHANGED in action_result(second)
    assert value in action_result(second) or section == "all"
    assert second.input_value(field) == other_value
    press(second, button)
    assert action_result(second) == "Saved."
    second.goto(signed_links.preferences(1))
    assert second.input_value(field) == other_value


@MAINLY_NO_SCRIPT
def test_different_sections_saved_in_two_tabs_are_both_kept(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    first.fill("#send_at", "08:15")
    press(first, "Save the schedule")
    assert action_result(first) == "Saved."
    unfold_list(second)
    second.fill("#topics", "graphs")
    press(second, "Save this list")
    assert action_result(second) == "Saved."

    assert (topics(), subscriber_row().send_at) == (["graphs"], time(8, 15))


@MAINLY_SCRIPT
def test_topics_edited_in_a_tab_and_a_pause_begun_in_another_are_both_kept(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    first.get_by_label("Topic 1").fill("offline RL")
    press(second, "Pause")
    assert action_result(second) == "The mail is paused."
    press(first, "Save topics")
    assert action_result(first) == "Saved."

    assert (topics()[0], subscriber_row().paused_until is not None) == ("offline RL", True)


@MAINLY_NO_SCRIPT
def test_a_pause_begun_in_another_tab_is_not_ended_by_saving_the_schedule(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    press(first, "Pause")
    assert action_result(first) == "The mail is paused."
    second.fill("#send_at", "08:15")
    press(second, "Save the schedule")

    assert CHANGED in action_result(second)
    assert (second.input_value("#send_at"), subscriber_row().paused_until is not None) == ("08:15", True)


@MAINLY_SCRIPT
def test_a_topic_renamed_in_one_tab_and_edited_in_another_is_not_lost(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    first.get_by_label("Topic 1").fill("offline RL")
    press(first, "Save topics")
    assert action_result(first) == "Saved."
    second.get_by_label("Topic 1").fill("batch RL")
    second.get_by_label("Topic 2").fill("sample efficiency")
    press(second, "Save topics")

    assert CHANGED in action_result(second)
    assert "batch RL" in action_result(second)
    assert second.get_by_label("Topic 2").input_value() == "sample efficiency"
    assert topics() == ["offline RL", *TOPICS[1:]]


@MAINLY_NO_SCRIPT
def test_a_mute_in_one_tab_is_not_undone_by_a_limit_in_another(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    first.get_by_label(f"Mute {TOPICS[0]}").check()
    press(first, "Save topics")
    assert action_result(first) == "Saved."
    second.get_by_label(f"Papers on {TOPICS[1]} a mail, at most").fill("2")
    press(second, "Save topics")

    assert CHANGED in action_result(second)
    assert [topic.muted for topic in profile().topics] == [True, False, False]
    assert second.get_by_label(f"Papers on {TOPICS[1]} a mail, at most").input_value() == "2"


@MAINLY_SCRIPT
def test_a_topic_deleted_in_one_tab_does_not_come_back_with_the_list_of_another(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    press(first, f"Delete {TOPICS[0]}")
    assert action_result(first) == "Saved."
    unfold_list(second)
    second.fill("#topics", "\n".join((*TOPICS, "graphs")))
    press(second, "Save this list")

    assert CHANGED in action_result(second)
    assert topics() == list(TOPICS[1:])
    assert second.input_value("#topics").splitlines() == [*TOPICS, "graphs"]


@MAINLY_NO_SCRIPT
def test_an_action_of_the_administration_done_in_another_tab_is_told_to_the_second(
    page: Page, site: Site, context: BrowserContext
) -> None:
    subscribe(site)
    sign_in(page, site, ADMIN)
    other = context.new_page()
    for tab in (page, other):
        tab.goto(f"{site.url}/admin/suppressions")
        tab.get_by_label("Address", exact=True).fill(ADA)
    page.get_by_label("Reason", exact=True).fill("asked by phone")
    page.get_by_role("button", name="Suppress").click()
    expect(page.get_by_role("status")).to_contain_text("is not mailed any more")
    other.get_by_label("Reason", exact=True).fill("another reason")
    other.get_by_role("button", name="Suppress").click()

    expect(other.get_by_role("status")).to_contain_text("the first reason stays")
    expect(other.locator("tbody")).to_contain_text("asked by phone")
