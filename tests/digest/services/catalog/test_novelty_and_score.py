"""Quality figures: measured once after announcements, on both databases, and shown on the pages and in the mail."""

from __future__ import annotations

import email
import gzip
import json
from dataclasses import replace
from datetime import date, timedelta
from email import policy
from pathlib import Path

import pytest
from sqlmodel import col, select

from digest.compose.email.paper_block import MIN_UNUSUAL_NOVELTY
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.models import Novelty
from digest.papers import AuthorFigures, AuthorProfile, ListedPaper, ParsedDocument, Record
from digest.services.catalog import author_pages, novelty_and_score, paper_presenters
from digest.services.ingestion.import_document import store_document
from tests.digest.services.conftest import MONDAY, Lab, utc
from tests.servers import MailServer

SUNDAY = date(2025, 11, 16)


@pytest.fixture
def real(shared: Path) -> list[ListedPaper]:
    """Real papers of one day."""
    with gzip.open(shared / "data/replay/days/2025-09-29.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        ListedPaper(
            Record(
                row["title"],
                row["abstract"],
                authors=tuple(row["authors"] or ()),
                arxiv_id=row["id"],
                categories=tuple(row["categories"] or ()),
            )
        )
        for row in rows
    ]


def _novelty(arxiv_id: str) -> Novelty | None:
    with reading() as session:
        number = store.by_arxiv_id(session, arxiv_id)
        return session.exec(select(Novelty).where(col(Novelty.paper_id) == number)).one_or_none()


def test_of_real_papers_a_planted_copy_is_not_novel_and_one_of_another_field_is(
    lab: Lab, real: list[ListedPaper]
) -> None:
    learning = [candidate for candidate in real if candidate.record.categories[:1] == ("cs.LG",)]
    astronomy_paper = next(candidate for candidate in real if candidate.record.categories[0].startswith("astro-ph"))
    original = learning[0].record
    copy = replace(
        original,
        title=f"{original.title} (extended)",
        abstract=f"We revisit this. {original.abstract[:-40]}",
        arxiv_id="2511.90001",
    )
    foreign = replace(astronomy_paper.record, categories=("cs.LG",), arxiv_id="2511.90002")
    lab.set_time(utc(MONDAY, 12))
    lab.store(SUNDAY, *learning)
    lab.store(MONDAY, ListedPaper(copy), ListedPaper(foreign))
    measured = novelty_and_score.measure_novelty()

    near, far = _novelty("2511.90001"), _novelty("2511.90002")

    assert measured.papers == len(learning) + 2
    assert near is not None
    assert near.value is not None
    assert near.value < 10
    assert far is not None
    assert far.value is not None
    assert far.value > 80


def test_measuring_again_changes_nothing(lab: Lab, real: list[ListedPaper]) -> None:
    lab.set_time(utc(MONDAY, 12))
    lab.store(MONDAY, *real[:60])
    novelty_and_score.measure_novelty()

    assert novelty_and_score.measure_novelty() == novelty_and_score.MeasuringResult()


def test_little_time_leaves_the_rest_for_the_next_call(lab: Lab, real: list[ListedPaper]) -> None:
    lab.set_time(utc(MONDAY, 12))
    lab.store(MONDAY, *real[:200])
    first = novelty_and_score.measure_novelty(seconds=0)
    remaining = novelty_and_score.measure_novelty()

    assert first.is_incomplete
    assert 0 < first.papers < 200
    assert first.papers + remaining.papers == 200


def test_in_a_field_of_few_papers_novelty_is_unknown_not_100(lab: Lab, real: list[ListedPaper]) -> None:
    lab.set_time(utc(MONDAY, 12))
    lab.store(MONDAY, *real[:5])
    novelty_and_score.measure_novelty()
    figure = _novelty(real[0].record.arxiv_id or "")

    assert figure is not None
    assert figure.value is None


def test_the_paper_s_page_shows_its_figures_and_what_they_are_made_of(lab: Lab, real: list[ListedPaper]) -> None:
    learning = [candidate for candidate in real if candidate.record.categories[:1] == ("cs.LG",)][:40]
    author = learning[-1].record.authors[0]
    people = (AuthorProfile(author, AuthorFigures(h_index=10, papers=20, citations=300), "1"),)
    lab.set_time(utc(MONDAY, 12))
    lab.store(MONDAY, *learning)
    store_document("semantic-scholar", "test", ParsedDocument(authors=people))
    novelty_and_score.measure_novelty()
    with reading() as session:
        number = store.by_arxiv_id(session, learning[-1].record.arxiv_id or "") or 0
    page = paper_presenters.paper(number)

    assert page.row.novelty is not None
    assert page.nearest_paper is not None
    assert dict(page.row.parts) == {"novelty": page.row.novelty, "author": 51}
    assert page.row.score == round((2 * page.row.novelty + 51) / 3)


def test_an_author_s_page_shows_what_a_source_prints_of_them(lab: Lab) -> None:
    lab.announce(MONDAY, "A paper on nothing in particular", authors=("Ada Byron",))
    people = (AuthorProfile("Ada Byron", AuthorFigures(h_index=10, papers=20, citations=3000), "1"),)
    store_document("semantic-scholar", "test", ParsedDocument(authors=people))
    figures = author_pages.author("Ada Byron", 50).figures

    assert figures[:3] == (("h-index", "10"), ("Papers", "20"), ("Citations", "3,000"))


def test_the_figures_of_two_people_of_one_name_are_not_shown(lab: Lab) -> None:
    lab.announce(MONDAY, "A paper on nothing in particular", authors=("Wei Li",))
    for key, h_index in (("1", 10), ("2", 70), ("1", 11)):
        person = AuthorProfile("Wei Li", AuthorFigures(h_index=h_index), key)
        store_document("semantic-scholar", "test", ParsedDocument(authors=(person,)))

    assert author_pages.author("Wei Li", 50).figures == ()


def test_openalex_s_figures_stand_back_behind_another_source_s_however_new(lab: Lab) -> None:
    lab.announce(MONDAY, "A paper on nothing in particular", authors=("Ada Byron",))
    for source, h_index in (("semantic-scholar", 10), ("openalex", 9)):
        person = AuthorProfile("Ada Byron", AuthorFigures(h_index=h_index), "1")
        store_document(source, "test", ParsedDocument(authors=(person,)))
        lab.set_time(utc(MONDAY, 12) + timedelta(days=1))

    assert author_pages.author("Ada Byron", 50).figures[:1] == (("h-index", "10"),)


def test_an_author_s_own_page_names_the_author_of_its_figures(lab: Lab) -> None:
    papers = tuple(
        ListedPaper(Record(f"A long enough title, number {n}", authors=("Ada Byron", f"Other {n}"))) for n in range(4)
    )
    store_document("seeds", "page", ParsedDocument(papers, figures=AuthorFigures(h_index=56)), day=MONDAY)

    assert author_pages.author("Ada Byron", 50).figures[0] == ("h-index", "56")


def test_a_mail_mentions_its_most_unusual_papers(lab: Lab, real: list[ListedPaper], smtp: MailServer) -> None:
    learning = [candidate for candidate in real if candidate.record.categories[:1] == ("cs.LG",)][:60]
    lab.subscribe("ada", "learning")
    lab.store(MONDAY, *learning)
    lab.run(MONDAY)
    novelties = [entry.novelty for entry in lab.entries("ada", MONDAY) if entry.novelty is not None]
    mail = email.message_from_bytes(smtp.log[-1].raw, policy=policy.default)
    text = " ".join(str(mail.get_body(("plain",)).get_content()).split())  # type: ignore[union-attr]

    assert novelties
    assert text.count("unusual for its field") == sum(value >= MIN_UNUSUAL_NOVELTY for value in novelties)
