"""Public pages are made once for each change of the data, however many visitors come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
import time_machine

from digest.errors import NotFound
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.catalog.page_schemas import PaperPage, PaperRow
from digest.services.ingestion.import_document import store_document
from digest.web.app import build
from tests.combinations import MAINLY_SQLITE
from tests.digest.web import conftest
from tests.digest.web.conftest import METRICS, PAGE_SERVICES, Browser, RecordingQueue

DAY = date(2025, 11, 20)
PUBLIC = ("/", "/trending", "/trending/cs.LG", "/papers/1", "/trending.atom", "/trending.json", "/api/v1/papers")


class Counted:
    """The services of pages, and how often each was used."""

    def __init__(self) -> None:
        self.trendings = self.papers = 0

    def trending(self, category: str | None, limit: int) -> Sequence[PaperRow]:
        self.trendings += 1
        return conftest.ROWS[:limit]

    def paper(self, number: int) -> PaperPage:
        self.papers += 1
        return conftest.paper(number)


def listed(number: int, votes: float | None = None) -> ListedPaper:
    record = Record(title=f"Paper number {number}", abstract="Of graphs.", arxiv_id=f"2511.{number:05d}")
    return ListedPaper(record, "new", signals=(("upvotes", votes),) if votes is not None else ())


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def counting(web: Browser, queue: RecordingQueue, counted: Counted) -> Browser:
    return Browser(build(queue, replace(PAGE_SERVICES, trending=counted.trending, paper=counted.paper)))


@MAINLY_SQLITE
def test_a_hundred_views_of_the_trending_page_compute_it_once(counting: Browser, counted: Counted) -> None:
    answers = {counting.get("/trending").text for _ in range(100)}

    assert (len(answers), counted.trendings) == (1, 1)


@MAINLY_SQLITE
def test_the_start_page_and_its_forms_share_one_list_of_trending_papers(counting: Browser, counted: Counted) -> None:
    for path in ("/", "/?topics=graphs", "/?topics=%22open"):
        assert "Maximum Entropy Model Correction" in counting.get(path).text

    assert counted.trendings == 1


@MAINLY_SQLITE
def test_a_paper_is_computed_once(counting: Browser, counted: Counted) -> None:
    for _ in range(5):
        assert counting.get("/papers/1").status_code == 200

    assert counted.papers == 1


@MAINLY_SQLITE
def test_a_paper_that_does_not_exist_is_looked_up_every_time(counting: Browser, counted: Counted) -> None:
    assert [counting.get("/papers/99").status_code for _ in range(2)] == [404, 404]
    assert counted.papers == 2


@MAINLY_SQLITE
@pytest.mark.parametrize("path", PUBLIC)
def test_a_new_paper_makes_every_public_page_anew(counting: Browser, path: str) -> None:
    pages = counting.app.state.pages
    counting.get(path)
    before = pages.size

    store_document("arxiv", "day", ParsedDocument((listed(1),)), day=DAY)
    counting.get(path)

    assert pages.size == before  # made anew in the place of the old one


@MAINLY_SQLITE
def test_new_votes_are_seen_at_the_next_view(counting: Browser, counted: Counted) -> None:
    store_document("arxiv", "day", ParsedDocument((listed(1),)), day=DAY)
    counting.get("/trending")
    store_document("hf", "votes", ParsedDocument((listed(1, votes=9.0),)), day=DAY)
    counting.get("/trending")

    assert counted.trendings == 2


@MAINLY_SQLITE
def test_a_summary_of_a_stored_paper_is_seen_at_the_next_view(counting: Browser, counted: Counted) -> None:
    store_document("arxiv", "day", ParsedDocument((listed(1),)), day=DAY)
    counting.get("/papers/1")
    summarized = replace(listed(1), summary="Graphs are shown to be simple.")
    store_document("hf", "summaries", ParsedDocument((summarized,)), day=DAY)
    counting.get("/papers/1")

    assert counted.papers == 2


@MAINLY_SQLITE
def test_the_same_document_again_changes_nothing(counting: Browser, counted: Counted) -> None:
    for _ in range(3):
        store_document("arxiv", "day", ParsedDocument((listed(1),)), day=DAY)
        counting.get("/trending")

    assert counted.trendings == 1


@MAINLY_SQLITE
def test_pages_are_made_anew_after_a_quarter_of_an_hour_as_they_show_hours(
    counting: Browser, counted: Counted, clock_stands: time_machine.Traveller
) -> None:
    counting.get("/trending")
    clock_stands.shift(timedelta(minutes=15))
    counting.get("/trending")

    assert counted.trendings == 2


@MAINLY_SQLITE
def test_in_a_web_process_a_page_is_shown_as_before_until_it_is_made_anew_in_the_background(
    counting: Browser, counted: Counted
) -> None:
    for path in ("/", "/trending"):
        counting.get(path)
    counting.app.state.warm_up.refresh()

    store_document("arxiv", "day", ParsedDocument((listed(1),)), day=DAY)
    answers = [counting.get(path).status_code for path in ("/", "/trending")]
    computed_for_visitors = counted.trendings
    counting.app.state.warm_up.refresh()
    counting.get("/")

    assert (answers, computed_for_visitors, counted.trendings) == ([200, 200], 2, 4)


@MAINLY_SQLITE
def test_a_page_that_is_gone_after_a_change_is_not_shown_again(
    web: Browser, queue: RecordingQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = {1}

    def paper(number: int) -> PaperPage:
        if number not in papers:
            raise NotFound("there is no such paper")
        return conftest.paper(number)

    browser = Browser(build(queue, replace(PAGE_SERVICES, paper=paper)))
    before = browser.get("/papers/1").status_code
    papers.clear()
    store_document("arxiv", "day", ParsedDocument((listed(1),)), day=DAY)
    browser.app.state.warm_up.refresh()

    assert (before, browser.get("/papers/1").status_code) == (200, 404)


@MAINLY_SQLITE
def test_what_is_typed_into_a_form_is_never_shown_to_others(counting: Browser) -> None:
    counting.post("/", data={"topics": "a secret topic", "address": "ada@digest.example"})

    assert "a secret topic" not in counting.get("/").text


@MAINLY_SQLITE
def test_a_web_process_prepares_its_first_preview_and_says_so_in_the_details_of_readyz(counting: Browser) -> None:
    before = counting.get("/readyz", headers=METRICS).json()["preview"]
    counting.app.state.warm_up.start().join(60)

    assert before == "not warmed up"
    assert counting.get("/readyz", headers=METRICS).json()["preview"] == "warm"
    assert "preview" not in counting.get("/readyz").json()


@MAINLY_SQLITE
def test_other_numbers_of_papers_and_unknown_categories_do_not_fill_the_cache(counting: Browser) -> None:
    pages = counting.app.state.pages
    addresses = ("/api/v1/papers", "/trending")
    for path in addresses:
        assert counting.get(path).status_code == 200
    before = pages.size
    for limit in (1, 49, 500):
        assert counting.get(f"/api/v1/papers?limit={limit}").status_code == 200
    for category in ("cs.ZZ", "math.QQ"):
        assert [
            counting.get(path).status_code for path in (f"/api/v1/papers?category={category}", f"/trending/{category}")
        ] == [200, 200]

    assert pages.size == before
