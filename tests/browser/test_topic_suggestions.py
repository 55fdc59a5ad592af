"""Suggestions in the topics field: a combobox that is used by keyboard or mouse, over what follows it."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import Page, expect

from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from tests.browser.site import Site

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.parametrize("context", [True], indirect=True, ids=["script"]),
]


@pytest.fixture
def titles(site: Site) -> Site:
    records = [Record(f"Graph neural networks for task {n}", arxiv_id=f"2509.{n:05d}") for n in range(1, 6)]
    listed = tuple(ListedPaper(record, "new") for record in records)
    store_document("arxiv", "test", ParsedDocument(papers=listed), day=date(2025, 9, 1))
    return site


def test_a_suggestion_is_taken_with_the_keyboard(page: Page, titles: Site) -> None:
    page.goto(titles.url)
    entry = page.get_by_role("combobox", name="Your topics")
    entry.click()
    page.keyboard.type("graph neu")
    expect(page.get_by_role("option").first).to_contain_text("graph neural networks")
    page.keyboard.press("ArrowDown")
    expect(entry).to_have_attribute("aria-activedescendant", "suggestion-0")
    page.keyboard.press("Enter")

    expect(page.locator("#topics")).to_have_value("graph neural networks")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(entry).to_have_value("")


def test_what_is_typed_is_taken_where_no_suggestion_is_chosen(page: Page, titles: Site) -> None:
    page.goto(titles.url)
    page.get_by_role("combobox", name="Your topics").click()
    page.keyboard.type("graph neu")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Enter")

    expect(page.locator("#topics")).to_have_value("graph neu")


def test_a_suggestion_is_taken_by_a_click_and_nothing_moves(page: Page, titles: Site) -> None:
    page.goto(titles.url)
    before = page.locator("#address").bounding_box()
    page.get_by_role("combobox", name="Your topics").click()
    page.keyboard.type("graph neu")
    option = page.get_by_role("option").first
    expect(option).to_be_visible()
    during = page.locator("#address").bounding_box()
    option.click()

    expect(page.locator("#topics")).to_have_value("graph neural networks")
    assert before == during
