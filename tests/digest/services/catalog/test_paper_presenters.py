"""One-line summaries of papers, from a source's answer to mail, web view, feed and page: with their origin, or not."""

from __future__ import annotations

import json
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import papers
from digest.compose.edition import Content
from digest.compose.email import other_emails
from digest.compose.text.text_wrapping import width
from digest.papers import ListedPaper, Summary
from digest.services.catalog import paper_presenters
from digest.services.editions import edition_feeds, web_view
from digest.services.ingestion.import_document import store_document
from digest.sources import huggingface, semantic_scholar
from tests.combinations import MAINLY_SQLITE
from tests.digest.compose import samples
from tests.digest.services.conftest import MONDAY, Lab, MailServer, paper, utc

TUESDAY = MONDAY + timedelta(days=1)
SHORT = "Optimism beats pessimism for bandits with delayed feedback."


def from_huggingface(summary: object = SHORT, number: int = 1, title: str = "Linear bandits") -> bytes:
    row = {"paper": {"id": f"2511.{number:05d}", "title": title, "summary": "We study it.", "ai_summary": summary}}
    return json.dumps([row]).encode()


def from_semantic_scholar(text: object, number: int = 1) -> bytes:
    tldr = {"model": "tldr@v2.0.0", "text": text}
    return json.dumps([{"externalIds": {"ArXiv": f"2511.{number:05d}"}, "tldr": tldr}]).encode()


def take_huggingface(summary: object = SHORT) -> None:
    store_document("huggingface", "today", huggingface.parse(from_huggingface(summary)), day=MONDAY)


def take_semantic_scholar(text: object) -> None:
    store_document("semantic-scholar", "today", semantic_scholar.parse(from_semantic_scholar(text)))


def parts(smtp: MailServer, place: int = -1) -> tuple[str, str]:
    """The text part in one line, and the HTML part."""
    mail = message_from_bytes(smtp.log[place].raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return " ".join(text.get_content().split()), unescape(html.get_content())


def texts_shown(lab: Lab) -> list[str]:
    """The same edition and paper wherever a browser or a feed reader sees them."""
    edition, number = lab.editions("ada")[-1], lab.entries("ada")[0].paper
    page = paper_presenters.paper(number)
    feed = edition_feeds.subscriber_feed(lab.subscriber("ada").id or 0)
    summary = " ".join(page.summary or ())
    return [web_view.web_view(edition.id or 0, "/editions/x"), feed.items[0].html, summary]


@MAINLY_SQLITE
def test_a_summary_is_shown_everywhere_with_its_origin_before_the_abstract(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"))
    take_huggingface()
    lab.run(MONDAY)
    line = f"In short, by Hugging Face: {SHORT}"
    text, html = parts(smtp)

    assert line in text
    assert text.index(SHORT) < text.index("We study Linear bandits in detail")
    assert "by Hugging Face:</span> " + SHORT in html
    visible_html = html.partition("<h1")[2]  # the preview text before it is of the abstract
    assert visible_html.index(SHORT) < visible_html.index("in detail and report")
    for place in texts_shown(lab):
        assert SHORT in place
        assert "In short, by Hugging Face:" in place


@MAINLY_SQLITE
def test_semantic_scholar_s_stands_in_where_hugging_face_has_none(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"))
    take_semantic_scholar("A new bound for bandits.")
    lab.run(MONDAY)

    assert "In short, by Semantic Scholar: A new bound for bandits." in parts(smtp)[0]


@MAINLY_SQLITE
def test_one_with_numbers_that_the_paper_lacks_is_not_shown_and_the_next_source_is(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits are 12% better on 1,000 tasks"))
    take_huggingface("Bandits are 21% better.")
    take_semantic_scholar("Better by 12% on 1000 tasks.")
    lab.run(MONDAY)

    assert "21%" not in parts(smtp)[0]
    assert "In short, by Semantic Scholar: Better by 12% on 1000 tasks." in parts(smtp)[0]


@MAINLY_SQLITE
def test_a_paper_without_a_summary_looks_as_ever(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"))
    take_huggingface(None)
    lab.run(MONDAY)

    assert "In short" not in "".join([*parts(smtp), *texts_shown(lab)])


@MAINLY_SQLITE
def test_one_that_comes_later_leaves_the_edition_as_it_was_sent(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"))
    lab.run(MONDAY)
    before = texts_shown(lab)
    lab.set_time(utc(TUESDAY, 5))
    take_huggingface()

    assert texts_shown(lab)[:2] == before[:2]
    assert SHORT in texts_shown(lab)[2]


@MAINLY_SQLITE
def test_the_first_one_stays(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"))
    take_huggingface()
    take_huggingface("Another one.")
    lab.run(MONDAY)

    assert all(SHORT in place for place in texts_shown(lab))


NASTY = "<b>Bold</b> {{ 7 }} \u202eevil\x07 & $\\alpha$ " + "word " * 200


@MAINLY_SQLITE
def test_a_hostile_summary_is_cleaned_escaped_and_short(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits of order 7"))
    take_huggingface(NASTY)
    lab.run(MONDAY)
    raw = web_view.web_view(lab.editions("ada")[-1].id or 0, "/editions/x")

    assert "&lt;b&gt;Bold&lt;/b&gt;" in raw
    assert "\u202e" not in raw + parts(smtp)[0]
    assert "\x07" not in raw
    assert "$" not in parts(smtp)[0].partition("In short")[2].partition("We study")[0]
    assert raw.count("word") < 80


@pytest.mark.parametrize("summary", [7, ["a"], {"a": 1}])
def test_one_that_is_no_text_makes_the_row_refused(summary: object) -> None:
    assert "ai_summary" in huggingface.parse(from_huggingface(summary)).rejected[0].reason
    assert "tldr" in semantic_scholar.parse(from_semantic_scholar(summary)).rejected[0].reason


def test_of_two_rows_of_one_paper_the_longer_summary_stays() -> None:
    [row] = huggingface.parse(from_huggingface("Short.")).papers
    [other] = huggingface.parse(from_huggingface("A longer one.")).papers

    assert papers.merge_listed(row, other).summary == papers.merge_listed(other, row).summary == "A longer one."


def test_real_answers_have_summaries_and_few_say_numbers_of_their_own(shared: Path) -> None:
    listed_papers: list[ListedPaper] = []
    for file in sorted((shared / "data" / "wire" / "hf_daily_papers").glob("*.json")):
        listed_papers += huggingface.parse(file.read_bytes()).papers
    agree = [papers.numbers_agree(row.summary, row.record.title, row.record.abstract) for row in listed_papers]

    assert len(listed_papers) == 65
    assert all(row.summary for row in listed_papers)
    assert sum(agree) >= 55


NUMBERS = (
    ("grows by 5%", "grows by 5 percent", True),
    ("1,000,000 tokens", "1000000 tokens", True),
    ("0.90 of them", "0.9 of them", True),
    ("10.5 and 3", "3 of 10.5", True),
    ("10^-3 error", "10⁻³ error", True),
    ("three times", "none", True),
    ("5%", "15%", False),
    ("0.5", "5", False),
    ("1.5x", "1 to 5", False),
    ("20 tasks", "20,000 tasks", False),
    ("２ tasks", "2 tasks", True),
)


@pytest.mark.parametrize(("summary", "abstract", "agrees"), NUMBERS)
def test_numbers_are_compared_by_value(summary: str, abstract: str, agrees: bool) -> None:
    assert papers.numbers_agree(summary, "", abstract) is agrees


@given(st.text(max_size=900))
def test_any_text_becomes_one_bounded_line(text: str) -> None:
    line = (
        papers.to_storable(papers.ParsedDocument((ListedPaper(samples.INVENTED[0], summary=text),))).papers[0].summary
    )

    assert len(line) <= 400
    assert "\n" not in line
    assert line == line.strip()


@given(st.text(max_size=500))
def test_no_summary_can_change_a_mail_s_structure(text: str) -> None:
    content = Content(samples.edition(samples.INVENTED).entries[1:2])
    summary = Summary("Hugging Face", text, utc(MONDAY, 5))
    mail = other_emails.digest(
        content, samples.papers(samples.INVENTED), samples.RECIPIENT, samples.LINKS, summaries={1: (summary,)}
    )
    usual = other_emails.digest(
        content, samples.papers(samples.INVENTED), samples.RECIPIENT, samples.LINKS,
        summaries={1: (summary._replace(text="Usual."),)},
    )  # fmt: skip

    assert mail.html.count("<") in {usual.html.count("<"), usual.html.count("<") - 4}
    assert all(width(line) <= 76 for line in mail.text.split("\n") if "https://" not in line)
