"""Author pages by HTTP: figures with their origin, rows, pages, and whose page a document is."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from digest.papers import AuthorFigures, AuthorProfile, ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from digest.web.app import build
from digest.web.wiring import page_services
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, paper
from tests.digest.web.conftest import Browser, RecordingQueue


@pytest.fixture
def pages(lab: Lab) -> Browser:
    return Browser(build(RecordingQueue(), page_services()))


def rows(html: str) -> list[str]:
    return re.findall(r'<h2>(?:<span class="rank">\d+\.</span> )?<a [^>]*>(.*?)</a></h2>', html)


def saved_page(*authors: tuple[str, ...], complete: bool = True) -> ParsedDocument:
    papers = tuple(
        ListedPaper(Record(f"A long enough title, number {n}", authors=names, authors_complete=complete))
        for n, names in enumerate(authors)
    )
    return ParsedDocument(papers, figures=AuthorFigures(h_index=56), is_author_page=True)


def test_figures_are_shown_with_their_source_and_date(lab: Lab, pages: Browser) -> None:
    lab.announce(MONDAY, "Linear bandits", authors=("Ada Byron",))
    people = (AuthorProfile("Ada Byron", AuthorFigures(h_index=10, papers=20, citations=3000), "1"),)
    store_document("semantic-scholar", "test", ParsedDocument(authors=people))

    assert "Figures of Semantic Scholar, as of 17 Nov 2025" in pages.get("/authors/Ada Byron").text


def test_a_row_has_date_category_novelty_code_and_institution(lab: Lab, pages: Browser) -> None:
    facts = {"published": date(2025, 11, 14), "has_code": True, "institutions": ("cmu", "eth-zurich")}
    lab.announce(MONDAY, "Linear bandits", **facts)

    assert "14 Nov 2025</time> · cs.LG · code · cmu · eth-zurich" in pages.get("/authors/Ada Byron").text


def test_more_than_fifty_papers_are_on_several_pages_newest_first(lab: Lab, pages: Browser) -> None:
    lab.store(
        MONDAY, *(paper(n, f"Paper number {n}", published=date(2025, 1, 1) + timedelta(days=n)) for n in range(1, 121))
    )
    first, second, third = (pages.get(f"/authors/Ada Byron?page={n}").text for n in (1, 2, 3))

    assert rows(first) + rows(second) + rows(third) == [f"Paper number {n}" for n in range(120, 0, -1)]
    assert 'rel="next" href="/authors/Ada%20Byron?page=2"' in first
    assert 'rel="prev" href="/authors/Ada%20Byron"' in second
    assert 'rel="next"' not in third
    assert pages.get("/authors/Ada Byron?page=4").status_code == 404


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("document", "name"),
    [
        (saved_page(("Ada Byron", "B One"), ("Ada Byron", "C Two"), ("D Three", "Ada Byron")), "Ada Byron"),
        (saved_page(("Ada Byron", "B One"), ("Ada Byron",), ("Ada Byron",), complete=False), "Ada Byron"),
        (saved_page(("Ada Byron", "B One"), ("Ada Byron", "B One"), ("B One", "Ada Byron")), None),
        (saved_page(("Ada Byron",), ("Ada Byron",), ("B One",), complete=False), None),
        (saved_page(("Ada Byron",), ("B One",), ("C Two",)), None),
        (saved_page((), (), ()), None),
    ],
)
def test_the_figures_of_a_page_are_those_of_its_only_common_author(
    lab: Lab, pages: Browser, document: ParsedDocument, name: str | None
) -> None:
    store_document("seeds", "page", document, day=MONDAY)

    for author in ("Ada Byron", "B One"):
        assert ("<dt>h-index</dt><dd>56</dd>" in pages.get(f"/authors/{author}").text) is (author == name)


def test_papers_with_a_cut_list_are_on_the_page_of_the_author_whose_page_had_them(lab: Lab, pages: Browser) -> None:
    cut = ListedPaper(Record("A paper of many authors", authors=("B One", "C Two"), authors_complete=False))
    document = saved_page(("Ada Byron", "B One"), ("Ada Byron", "C Two"), ("Ada Byron",))
    page = ParsedDocument((*document.papers, cut), is_author_page=True)
    store_document("seeds", "page", page, day=MONDAY)

    assert "A paper of many authors" in rows(pages.get("/authors/Ada Byron").text)
    whole = Record("A paper of many authors", "New.", authors=("B One", "C Two", "D Three"))
    store_document("jsonl", "other", ParsedDocument((ListedPaper(whole),)), day=MONDAY)
    assert len(rows(pages.get("/authors/D Three").text)) == 1
    assert "A paper of many authors" not in rows(pages.get("/authors/Ada Byron").text)


def test_storing_a_page_twice_changes_nothing(lab: Lab, pages: Browser) -> None:
    document = saved_page(("Ada Byron", "B One"), ("Ada Byron", "C Two"), ("Ada Byron",))
    store_document("seeds", "page", document, day=MONDAY)
    before = pages.get("/authors/Ada Byron").text
    second_counts = store_document("seeds", "page", document, day=MONDAY)

    assert (second_counts.new, second_counts.updated) == (0, 0)
    assert pages.get("/authors/Ada Byron").text == before


def test_trending_papers_are_those_of_the_chosen_period(lab: Lab, pages: Browser) -> None:
    days = [MONDAY - timedelta(days=n) for n in range(12)]
    for number, day in enumerate(reversed(days)):
        lab.store(day, paper(number, f"Paper of {day}", signals={"upvotes": 9.0}))
    periods = {period: set(rows(pages.get(f"/trending?period={period}").text)) for period in ("day", "week", "month")}

    assert periods["day"] == {f"Paper of {MONDAY}"}
    assert periods["week"] == {f"Paper of {day}" for day in days[:7]} == set(rows(pages.get("/trending").text))
    assert periods["month"] == {f"Paper of {day}" for day in days}
