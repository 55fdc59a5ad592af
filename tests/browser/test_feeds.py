"""An administrator adds a journal's feed in the browser, and a subscriber gets its papers by mail."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import Page, expect

from digest.services.admin import source_admin
from digest.services.ingestion import catch_up
from digest.sources import request_turns
from tests.browser.site import ADMIN, Site, text_of
from tests.browser.steps import ADA, sign_in, subscribe
from tests.digest.sources import feed_server
from tests.digest.sources.feed_server import FeedServer, feed, item

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.parametrize("context", [False], indirect=True, ids=["no script"]),
]

A_DAY = timedelta(days=1)
NAME = "journal-of-examples"


@pytest.fixture
def feeds(site: Site, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedServer]:
    monkeypatch.setattr(request_turns, "_wait", lambda *_: None)
    with feed_server.serving() as server:
        configured(FEED_PRIVATE_HOSTS="127.0.0.1", CROSSREF_URL=server.url, FEED_PAPERS_A_DAY=4)
        server.pages["/feed.xml"] = feed(*(item(n, day="2025-11-19") for n in range(10)), item(99, title="Cover Image"))
        yield server


def test_a_feed_is_added_in_three_clicks(page: Page, site: Site, feeds: FeedServer) -> None:
    sign_in(page, site, ADMIN)
    page.get_by_role("link", name="Sources").first.click()
    page.get_by_label("Address of the feed").fill(f"{feeds.url}/feed.xml")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("main")).to_contain_text("10 papers, 10 of them new, 1 entry left out")
    page.get_by_role("button", name="Add this feed").click()

    expect(page.get_by_role("status")).to_contain_text("Journal of Examples is added")
    expect(page.locator("main")).to_contain_text("not confirmed: at most 4 papers a day are mailed")


def test_papers_of_a_feed_are_mailed_within_its_limit_and_all_after_it_is_confirmed(
    page: Page, site: Site, feeds: FeedServer, clock_moves: time_machine.Traveller
) -> None:
    subscribe(site, topics=("synapses",))
    sign_in(page, site, ADMIN)
    page.goto(f"{site.url}/admin/sources")
    page.get_by_label("Address of the feed").fill(f"{feeds.url}/feed.xml")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Add this feed").click()
    mailed = []
    for day in range(3):
        if day == 2:
            source_admin.confirm_feed(NAME, actor="test")  # the administrator's session has ended
        catch_up.ingest(NAME)
        clock_moves.shift(A_DAY)
        site.run()
        mailed.append(set(re.findall(r"doi\.org/(10\.1234/exa\.\d+)", text_of(site.digest_mail(ADA)))))

    assert [len(dois) for dois in mailed] == [4, 4, 2]
    assert len(set.union(*mailed)) == 10
