"""The preferences show what the topics bring while they are edited, and nothing moves meanwhile."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from digest.services.security import signed_links
from tests.browser.site import Site, days
from tests.browser.steps import TOPICS, subscribe, unfold_list
from tests.browser.test_back_and_forward import welcome_feedback
from tests.browser.test_sign_up_form import FRIDAY, MAX_SHIFT, THURSDAY, WATCH_SHIFTS, shifts

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.mark.parametrize("context", [True], indirect=True, ids=["script"])
@pytest.mark.parametrize("width", [375, 1280])
def test_topics_are_previewed_while_they_are_edited_and_nothing_moves(page: Page, site: Site, width: int) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    subscribe(site)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(signed_links.preferences(1))
    page.evaluate(WATCH_SHIFTS)  # buffered: those before count, too
    preview = page.get_by_role("region", name="What these topics bring")
    preview.scroll_into_view_if_needed()
    expect(preview.locator(".bars")).to_be_visible()

    page.get_by_label("Topic 1").fill("differential privacy")
    expect(preview).to_contain_text("differential privacy")
    page.get_by_label("Topic 1").fill("(graph")
    expect(preview.get_by_role("alert")).to_be_visible()

    layout_shifts = shifts(page)
    assert sum(value for value, _ in layout_shifts) <= MAX_SHIFT, layout_shifts


@pytest.mark.parametrize("context", [True], indirect=True, ids=["script"])
def test_a_list_of_topics_is_previewed_while_it_is_edited(page: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    subscribe(site)
    page.goto(signed_links.preferences(1))
    unfold_list(page)
    page.fill("#topics", "differential privacy")

    expect(page.get_by_role("region", name="What these topics bring")).to_contain_text("differential privacy")


@pytest.mark.parametrize("context", [True], indirect=True, ids=["script"])
def test_the_preview_leaves_muted_topics_out(page: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    subscribe(site)
    page.goto(signed_links.preferences(1))
    preview = page.get_by_role("region", name="What these topics bring")
    preview.scroll_into_view_if_needed()
    expect(preview.locator(".by-topic")).to_contain_text(TOPICS[0])
    page.get_by_label(f"Mute {TOPICS[0]}").check()

    expect(preview.locator(".by-topic")).not_to_contain_text(TOPICS[0])


@pytest.mark.parametrize("context", [False], indirect=True, ids=["no script"])
def test_without_scripts_the_button_previews(page: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    subscribe(site)
    page.goto(signed_links.preferences(1))

    expect(page.get_by_role("region", name="What these topics bring")).to_be_hidden()
    page.get_by_role("button", name="Preview these topics").click()

    expect(page.locator(".found .bars")).to_be_visible()


@pytest.mark.parametrize("context", [False], indirect=True, ids=["no script"])
def test_without_scripts_what_was_typed_in_the_rows_stays_beside_its_preview(page: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    subscribe(site)
    page.goto(signed_links.preferences(1))
    page.get_by_label("Topic 1").fill("differential privacy")
    page.get_by_role("button", name="Preview these topics").click()

    expect(page.locator(".found[role=status]")).to_contain_text("differential privacy")
    assert page.get_by_label("Topic 1").input_value() == "differential privacy"


@pytest.mark.parametrize("context", [False], indirect=True, ids=["no script"])
def test_a_row_that_is_no_topic_is_answered_under_the_rows(page: Page, site: Site) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    page.get_by_label("Topic 1").fill("(graph")
    page.get_by_role("button", name="Preview these topics").click()

    expect(page.locator("#new_topic-error")).to_be_visible()
    assert page.get_by_label("Topic 1").input_value() == "(graph"


@pytest.mark.parametrize("context", [True], indirect=True, ids=["script"])
@pytest.mark.parametrize(
    ("field", "button"),
    [
        ("Topic 1", "Save the schedule"),
        ("Add a topic", "Save this list"),
        ("New papers a mail, at most", "Save the schedule"),
    ],
)
def test_the_browser_asks_before_edits_are_lost_by_saving_another_part(
    page: Page, site: Site, field: str, button: str
) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    unfold_list(page)
    page.get_by_label(field, exact=True).fill("7")
    with page.expect_event("dialog") as question:
        page.get_by_role("button", name=button).click(no_wait_after=True)
    kind = question.value.type
    question.value.dismiss()

    assert kind == "beforeunload"
    assert page.get_by_label(field, exact=True).input_value() == "7"


@pytest.mark.parametrize("context", [True], indirect=True, ids=["script"])
@pytest.mark.parametrize(
    ("field", "button"), [("Topic 1", "Save topics"), ("New papers a mail, at most", "Save sources and limits")]
)
def test_saving_the_part_that_was_edited_asks_nothing(page: Page, site: Site, field: str, button: str) -> None:
    questions: list[str] = []
    page.on("dialog", lambda dialog: (questions.append(dialog.type), dialog.accept()))
    subscribe(site)
    page.goto(signed_links.preferences(1))
    page.get_by_label(field, exact=True).fill("7")
    page.get_by_role("button", name=button).click()

    expect(page.get_by_text("Saved").first).to_be_visible()
    assert questions == []


@pytest.mark.parametrize("context", [True], indirect=True, ids=["script"])
def test_a_download_asks_nothing_and_keeps_the_edits(page: Page, site: Site) -> None:
    questions: list[str] = []
    page.on("dialog", lambda dialog: (questions.append(dialog.type), dialog.accept()))
    site.announce(THURSDAY, days(FRIDAY)[0])
    subscribe(site)
    page.goto(welcome_feedback())
    page.get_by_role("button", name="More like this").click()
    page.goto(signed_links.preferences(1))
    page.get_by_label("Topic 1").fill("differential privacy")
    with page.expect_download() as download:
        page.get_by_role("link", name="BibTeX", exact=True).click()

    assert download.value.suggested_filename.endswith(".bib")
    assert questions == []
    assert page.get_by_label("Topic 1").input_value() == "differential privacy"
