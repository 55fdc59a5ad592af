"""Text from outside on its way in and on its way out: no terminal escapes, no markup, no hidden characters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import time_machine
from sqlmodel import select

from digest.compose.email import other_emails
from digest.db.core import engine
from digest.db.papers import papers
from digest.models import Announcement, AuthorFigure, Batch, Paper, PaperKey, PaperVersion, Signal
from digest.papers import AuthorFigures, AuthorProfile, ListedPaper, ParsedDocument, Record, author_key
from digest.services.catalog import author_pages, paper_presenters
from digest.services.editions import edition_feeds
from digest.services.ingestion import import_document
from digest.web.app import build as web_app
from tests.combinations import MAINLY_SQLITE
from tests.digest.cli.conftest import Terminal
from tests.digest.compose import samples
from tests.digest.web.conftest import PAGE_SERVICES, Browser, RecordingQueue

DAY = date(2025, 11, 20)
NOW = datetime(2025, 11, 21, 9, 7, tzinfo=UTC)
UNSEEN = "\x07\x1b\x9b\u202e\u2066\u200e\u061c\u200b\ufeff\ufff9\U000e0041\ue000\u0378\u3164"
NASTY = Record(
    title=f"Whale{UNSEEN} songs \u202eof the north",
    abstract=f"We record{UNSEEN} whales.\nThey sing.",
    authors=(f"Ada{UNSEEN} Byron", "\u202e"),
    arxiv_id="2511.00001",
    categories=("cs.SD",),
    comment=f"9{UNSEEN} pages",
    venue=f"ICML{UNSEEN} 2026",
    institutions=(f"Whale{UNSEEN} Institute",),
    code_url=f"https://code.example/{UNSEEN}1",
)
CLEAN = replace(
    NASTY,
    title="Whale songs of the north",
    abstract="We record whales.\nThey sing.",
    authors=("Ada Byron",),
    comment="9 pages",
    venue="ICML 2026",
    institutions=("Whale Institute",),
    code_url="https://code.example/1",
)


def hidden(text: str) -> set[str]:
    return set(UNSEEN) & set(text)


@pytest.fixture
def ready(database: str, configured: Callable[..., None]) -> None:
    configured(
        SECRET_KEY="a key for tests as long as it has to be",
        BASE_URL="http://testserver",
        MAIL_FROM="digest@digest.example",
    )


@pytest.fixture
def stored_before(ready: None, time_stands: time_machine.Traveller) -> int:
    """A rising paper as it was stored before there was an entry gate; NUL no database keeps."""
    with engine.transaction() as session:
        session.add(Announcement(id=DAY.toordinal(), day=DAY))
        session.flush()
        session.add(Batch(id=1, source="jsonl", announcement_id=DAY.toordinal(), started_at=NOW, known_at=NOW))
        session.flush()
        session.add(Paper(id=1, arxiv_id="2511.00001", announcement_id=DAY.toordinal(), batch_id=1))
        session.flush()
        detail = papers.to_detail(NASTY)
        session.add(
            PaperVersion(paper_id=1, revision=1, batch_id=1, title=NASTY.title, abstract=NASTY.abstract, detail=detail)
        )
        session.add(PaperKey(key=author_key("Ada Byron"), paper_id=1))
        session.add(Signal(paper_id=1, source="huggingface", name="upvotes", taken_at=NOW, value=41.0))
    return 1


@pytest.fixture
def time_stands() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_what_enters_the_store_is_clean_in_every_field(ready: None) -> None:
    import_document.store_document(
        "jsonl", "a file", ParsedDocument((ListedPaper(NASTY, announce_type="new\u202e"),)), day=DAY
    )

    with engine.reading() as session:
        version = session.exec(select(PaperVersion)).one()
        kind = session.exec(select(Paper.announce_type)).one()
    assert papers.to_record(version) == CLEAN
    assert not hidden(json.dumps([version.title, version.abstract, version.detail], ensure_ascii=False))
    assert kind == "new"


def test_the_same_paper_with_and_without_hidden_signs_is_one_version(ready: None) -> None:
    import_document.store_document("jsonl", "a file", ParsedDocument((ListedPaper(NASTY),)), day=DAY)
    counts = import_document.store_document("jsonl", "a file", ParsedDocument((ListedPaper(CLEAN),)), day=DAY)

    assert (counts.new, counts.updated) == (0, 0)


def test_names_of_people_enter_clean(ready: None) -> None:
    people = (AuthorProfile(f"Ada{UNSEEN} Byron", AuthorFigures(h_index=3)),)
    import_document.store_document("openalex", "a file", ParsedDocument((ListedPaper(CLEAN),), authors=people), day=DAY)

    with engine.reading() as session:
        rows = [str(row) for row in session.exec(select(AuthorFigure))]
    assert rows
    assert not hidden("".join(rows))


def test_what_was_stored_before_is_clean_on_pages(stored_before: int) -> None:
    rows = paper_presenters.trending(None, 10)
    page = paper_presenters.paper(stored_before)
    author = author_pages.author("Ada\u202e Byron", 10)

    assert [row.title for row in rows] == [CLEAN.title]
    assert not hidden("".join((rows[0].excerpt, *rows[0].badges, *(url for _, url in page.links))))
    assert rows[0].authors == CLEAN.authors
    assert (page.abstract, page.comment) == ("We record whales. They sing.", "9 pages")
    assert author.name == "Ada Byron"


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "path", ["/trending", "/trending/cs.SD", "/papers/1", "/authors/Ada%20Byron", "/trending.atom", "/trending.json"]
)
def test_what_was_stored_before_is_clean_over_http(stored_before: int, path: str) -> None:
    services = replace(
        PAGE_SERVICES, trending=paper_presenters.trending, paper=paper_presenters.paper, author=author_pages.author
    )
    response = Browser(web_app(RecordingQueue(), services)).get(path)

    assert response.status_code == 200
    assert CLEAN.title in response.text
    assert not hidden(response.text)


def test_what_was_stored_before_is_clean_in_feeds(stored_before: int) -> None:
    item = edition_feeds.trending_feed(None).items[0]

    assert item.title == CLEAN.title
    assert item.authors == CLEAN.authors
    assert not hidden(item.html)


def test_what_was_stored_before_is_clean_in_the_output_of_commands(stored_before: int) -> None:
    output = Terminal().ok("preview", "--topic", "whale songs", "--date", "2025-11-20", "--days", "1")

    assert CLEAN.title in output
    assert not hidden(output)


def test_a_mail_shows_no_hidden_sign() -> None:
    records = (NASTY, NASTY, NASTY)
    mail = other_emails.digest(
        samples.edition(records), samples.papers(records), samples.RECIPIENT, samples.LINKS, service=samples.SERVICE
    )

    assert CLEAN.title in mail.text
    assert not hidden(mail.subject + mail.text + mail.html)
