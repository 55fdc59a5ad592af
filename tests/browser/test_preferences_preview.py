"""The preferences show what the topics bring while they are edited, and nothing moves meanwhile."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from digest.services.security import signed_links
from tests.browser.site import Site, days
from tests.browser.steps import subscribe
from tests.browser.test_sign_up_form import FRIDAY, MAX_SHIFT, THURSDAY, WATCH_SHIFTS, shifts

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.mark.parametrize("context", [True], indirect=True, ids=["script"])
@pytest.mark.parametrize("width", [375, 1280])
def test_topics_are_previewed_while_they_are_edited_and_nothing_moves(page: Page, site: Site, width: int) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    subscribe(page, site)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(signed_links.preferences(1))
    page.evaluate(WATCH_SHIFTS)  # buffered: those before count, too
    preview = page.get_by_role("region", name="What these topics bring")
    preview.scroll_into_view_if_needed()
    expect(preview.locator(".bars")).to_be_visible()

    page.fill("#topics", "differential privacy")
    expect(preview).to_contain_text("differential privacy")
    page.fill("#topics", "(graph")
    expect(preview.get_by_role("alert")).to_be_visible()

    layout_shifts = shifts(page)
    assert sum(value for value, _ in layout_shifts) <= MAX_SHIFT, layout_shifts


@pytest.mark.parametrize("context", [False], indirect=True, ids=["no script"])
def test_without_scripts_the_button_previews(page: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    subscribe(page, site)
    page.goto(signed_links.preferences(1))

    expect(page.get_by_role("region", name="What these topics bring")).to_be_hidden()
    page.get_by_role("button", name="Preview these topics").click()

    expect(page.locator(".found .bars")).to_be_visible()
