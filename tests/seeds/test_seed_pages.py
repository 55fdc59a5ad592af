"""The product's pages show what the saved pages show: each seed document is walked, fact by fact."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import unescape

import pytest
import time_machine

from digest.papers import ListedPaper, ParsedDocument
from digest.services.ingestion.import_document import store_documents
from digest.text.tex import readable
from digest.web.app import build
from digest.web.wiring import page_services
from seeds import loader
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import Browser, RecordingQueue
from tests.seeds.conftest import TODAY

KEY = "a key for tests of at least 32 bytes"
# The page of every sixth paper, or of each.
ABSTRACT_STEPS = pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.soak)])


@dataclass(frozen=True)
class Row:
    """One paper of a list: its page's path, and its HTML."""

    path: str
    html: str

    @property
    def title(self) -> str:
        """The title's letters."""
        heading = re.sub(r'<span class="rank">.*?</span>', "", self.html.partition("</h2>")[0])
        return words_of(text_of(heading))

    @property
    def text(self) -> str:
        return text_of(self.html)


@pytest.fixture
def pages(database: str, configured: Callable[..., None]) -> Iterator[Browser]:
    """The web application after the demo's two announcements."""
    configured(SECRET_KEY=KEY, BASE_URL="https://digest.example")
    with time_machine.travel(datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC), tick=True):
        for announcement in loader.announcements(TODAY):
            store_documents("seeds", announcement.documents, day=announcement.day)
        yield Browser(build(RecordingQueue(), page_services()))


def text_of(html: str) -> str:
    """The visible text of a piece of HTML, in one line."""
    return " ".join(
        unescape(re.sub(r"<[^>]+>", "", re.sub(r"<(style|script|head)\b.*?</\1>", "", html, flags=re.S))).split()
    )


def rows_of(html: str) -> list[Row]:
    items = re.findall(r"<li>\s*(<h2>.*?)</li>", html, flags=re.S)
    return [Row(re.findall(r'href="(/papers/\d+)"', item)[0], item) for item in items]


def words_of(text: str) -> str:
    """Letters and digits only: saved pages lose parts of formulas, and a merged paper has the better text."""
    return re.sub(r"[\W_]+", "", readable(text).lower())


def printed_day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def assert_abstract(pages: Browser, row: Row, item: ListedPaper) -> None:
    page = pages.get(row.path).text
    record = item.record

    assert words_of(record.abstract)[-60:] in words_of(text_of(page)), record.title
    if record.code_url:
        assert f'href="{record.code_url}"' in page


def assert_rows(pages: Browser, html: str, document: ParsedDocument, step: int) -> None:
    """Each paper of an author's saved page has a row with its facts; each `step`th, its abstract on its page."""
    by_title = {row.title: row for row in rows_of(html)}
    for place, item in enumerate(document.papers):
        record = item.record
        row = by_title[words_of(record.title)]
        assert record.published is not None
        assert printed_day(record.published) in row.text
        assert set(record.categories[:1]) <= set(row.text.split())
        assert all(readable(name) in row.text for name in record.authors)
        assert all(institution in row.text for institution in record.institutions)
        assert not record.has_code or " code" in row.text
        assert record.authors_complete or "et al." in row.text
        if place % step == 0:
            assert_abstract(pages, row, item)


@MAINLY_SQLITE
@ABSTRACT_STEPS
@pytest.mark.parametrize(("document", "name"), [("000", "Yuejie Chi"), ("002", "Niao He")])
def test_an_author_s_page_has_each_paper_of_the_saved_one(
    pages: Browser, parsed: dict[str, ParsedDocument], document: str, name: str, step: int
) -> None:
    response = pages.get(f"/authors/{name}")

    assert len(rows_of(response.text)) >= 50 - 1
    assert len(response.content) <= 100_000
    assert_rows(pages, response.text, parsed[document], step)


def test_an_author_s_page_has_the_figures_of_the_saved_one_with_their_date(
    pages: Browser, texts: dict[str, str]
) -> None:
    text = text_of(pages.get("/authors/Yuejie Chi").text)
    header = texts["000"].partition("105 Papers")[0]

    for figure in re.findall(r"[\d,]+", header):
        assert re.search(rf"(?<![\d,]){figure}(?![\d,])", text), figure
    assert "h-index56Papers105Citations5,787Novelty60 of 100AI score63 of 100" in text
    assert "Figures of the author's saved page, as of 9 Jun 2026" in text


@MAINLY_SQLITE
def test_an_author_s_papers_are_newest_first(pages: Browser) -> None:
    days = re.findall(r'<time datetime="([\d-]+)">', pages.get("/authors/Yuejie Chi").text)

    assert len(days) == 50
    assert days == sorted(days, reverse=True)


@MAINLY_SQLITE
def test_an_author_can_be_followed_and_read_as_a_feed(pages: Browser) -> None:
    page = pages.get("/authors/Niao He").text
    feed = pages.get("/authors/Niao He.json").json()

    assert "Follow Niao He</a>" in page
    assert 'href="/authors/Niao%20He.atom"' in page
    assert len(feed["items"]) == len(rows_of(page))
    assert feed["items"][0]["title"] in text_of(page)
    assert pages.get("/authors/Niao He.atom").headers["content-type"].startswith("application/atom+xml")


@ABSTRACT_STEPS
def test_the_trending_pages_have_each_paper_of_the_saved_one_in_its_order(
    pages: Browser, parsed: dict[str, ParsedDocument], step: int
) -> None:
    answers = [pages.get(f"/trending?page={number}") for number in range(1, 6)]
    rows = [row for answer in answers for row in rows_of(answer.text)]
    titles = [row.title for row in rows]
    saved = list(dict.fromkeys(words_of(item.record.title) for item in parsed["001"].papers))

    assert all(len(answer.content) <= 100_000 for answer in answers)
    assert pages.get("/trending?page=6").status_code == 404
    assert set(saved) <= set(titles)
    elsewhere = {words_of(item.record.title) for name in ("000", "002") for item in parsed[name].papers}
    ranked = [title for title in saved if title not in elsewhere]  # the others rank in the field that their page names
    assert [title for title in titles if title in set(ranked)] == ranked
    by_title = dict(zip(titles, rows, strict=True))
    for item in parsed["001"].papers[::step]:
        assert_abstract(pages, by_title[words_of(item.record.title)], item)


def test_the_trending_page_has_the_subscribe_box_of_the_saved_one(pages: Browser, texts: dict[str, str]) -> None:
    page = pages.get("/trending").text
    form = re.findall(r"<form.*?</form>", page, re.S)[0]

    assert texts["001"].startswith("Get trending papers in your email inbox once a day!")
    assert "Get trending papers in your e-mail inbox once a day" in text_of(form)
    assert 'action="/subscribe"' in form
    assert ">Subscribe</button>" in form
    assert pages.post("/subscribe", data={"address": "ada@digest.example"}).status_code == 303


@MAINLY_SQLITE
def test_a_list_of_ids_has_each_paper_of_the_saved_one_with_comment_and_venue(
    pages: Browser, parsed: dict[str, ParsedDocument], texts: dict[str, str]
) -> None:
    ids = re.findall(r"^arXiv:(\d{4}\.\d{5})", texts["003"], re.M)
    response = pages.get("/papers", params={"ids": " ".join(ids)})
    rows = rows_of(response.text)

    assert len(rows) == len(ids) == len(parsed["003"].papers)
    for identifier, row, item in zip(ids, rows, parsed["003"].papers, strict=True):
        assert f"arXiv:{identifier}" in row.text
        assert readable(item.record.comment or "") in row.text
        assert readable(item.record.venue or "") in row.text
        assert_abstract(pages, row, item)


def test_a_list_of_ids_is_a_feed_and_names_those_that_are_not_here(pages: Browser, texts: dict[str, str]) -> None:
    ids = ",".join([*re.findall(r"^arXiv:(\d{4}\.\d{5})", texts["003"], re.M), "2401.99999"])

    assert len(pages.get("/papers.json", params={"ids": ids}).json()["items"]) == 10
    assert pages.get("/papers.atom", params={"ids": ids}).text.count("<entry>") == 10
    assert "Not stored here: 2401.99999" in text_of(pages.get("/papers", params={"ids": ids}).text)


def test_each_abstract_without_anything_else_has_its_page(pages: Browser, parsed: dict[str, ParsedDocument]) -> None:
    numbers = ",".join(map(str, range(300, 340)))
    rows = rows_of(pages.get("/papers", params={"ids": numbers}).text)
    by_title = {row.title: row for row in rows}

    for item in parsed["004"].papers:
        assert_abstract(pages, by_title[words_of(item.record.title)], item)


@MAINLY_SQLITE
def test_a_page_that_is_no_page_is_refused(pages: Browser) -> None:
    too_many = ",".join(map(str, range(1, 202)))
    addresses = "/trending?period=year", "/trending?page=0", "/trending?page=11", f"/papers?ids={too_many}"

    assert {address: pages.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 422)


def test_a_page_after_the_last_does_not_exist(pages: Browser) -> None:
    addresses = "/authors/Niao He?page=2", "/papers?ids=1&page=2", "/authors/Nobody At All", "/authors/Nobody.atom"

    assert {address: pages.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 404)


def test_lists_of_ids_and_later_pages_of_authors_do_not_fill_the_cache(pages: Browser) -> None:
    cache = pages.app.state.pages
    for number in range(1, 4):
        pages.get(f"/papers?ids={number}")
        pages.get(f"/papers.json?ids={number}")
        pages.get(f"/papers/{number}.bib")
        pages.get(f"/trending/cs.X{chr(64 + number % 26 + 1)}?period=month")

    assert cache.size[0] == 0


@MAINLY_SQLITE
def test_spellings_of_a_name_share_one_page_with_the_usual_one(pages: Browser) -> None:
    answers = {pages.get(f"/authors/{name}").text for name in ("Niao He", "NIAO  HE", "niao he", "Niáo He")}

    assert len(answers) == 1
    assert "<h1>Niao He</h1>" in answers.pop()
    assert pages.app.state.pages.size[0] == 1


def test_citations_of_a_whole_page_are_those_of_its_papers(pages: Browser, texts: dict[str, str]) -> None:
    ids = ",".join(re.findall(r"^arXiv:(\d{4}\.\d{5})", texts["003"], re.M))
    page = unescape(pages.get("/papers", params={"ids": ids}).text)
    link = re.findall(r'href="(/api/v1/citations\?format=csl-json[^"]+)"', page)[0]

    assert [item["number"] for item in json.loads(pages.get(link).text)] == [f"arXiv:{name}" for name in ids.split(",")]
