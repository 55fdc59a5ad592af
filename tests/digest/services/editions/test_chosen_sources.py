"""Sources, subjects and languages that subscribers choose: what comes by mail, and where it says that it appeared."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from digest import clock
from digest.db.core.engine import transaction
from digest.models import FeedSource
from digest.papers import ListedPaper, Record
from digest.papers.outlets import outlet_key
from digest.services.admin import source_admin
from digest.services.editions import edition_feeds, web_view, why_report
from digest.services.preview.preview import preview
from digest.services.subscriptions import update_preferences
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.catalog.test_paper_presenters import parts
from tests.digest.services.conftest import MONDAY, Lab, MailServer, paper

pytestmark = MAINLY_SQLITE

GERMAN = (
    "Die Arbeit untersucht das Lernen im Gehirn und zeigt, dass es nicht von der Größe der Netze abhängt, "
    "sondern von der Anzahl der Versuche. Wir berichten über die Ergebnisse."
)


def preprint(title: str, **fields: object) -> ListedPaper:
    values = {"arxiv_id": None, "doi": "10.1101/2025.11.20.123456", "categories": ("bio.neuroscience",)}
    return paper(0, title, **(values | fields))


def article(title: str, **fields: object) -> ListedPaper:
    values = {"arxiv_id": None, "doi": "10.5555/a1", "categories": ("bio",), "outlets": ("Journal of Brains",)}
    return paper(0, title, **(values | fields))


@pytest.fixture
def three_sources(lab: Lab) -> Lab:
    """One paper on learning of each of three sources."""
    lab.store(MONDAY, paper(1, "Learning in networks"))
    lab.store(MONDAY, preprint("Learning in neurons"), source="biorxiv")
    lab.store(MONDAY, article("Learning in brains"))
    return lab


ALL = ["Learning in brains", "Learning in networks", "Learning in neurons"]


def test_by_default_all_sources_come_in_one_mail_which_names_them(three_sources: Lab, smtp: MailServer) -> None:
    three_sources.subscribe("ada", "learning")
    three_sources.run(MONDAY)
    text, html = parts(smtp)

    assert sorted(three_sources.papers("ada")) == ALL
    for place in (text, Markup(html).striptags().replace("\u00a0", " ")):
        assert "bioRxiv preprint · Neuroscience" in place
    assert "A. Byron · Journal of Brains · Biology" in text
    assert "<i>Journal of Brains</i>" in html
    assert "arXiv preprint" not in text


def test_the_web_view_and_the_feed_name_the_sources_too(three_sources: Lab, smtp: MailServer) -> None:
    number = three_sources.subscribe("ada", "learning")
    three_sources.run(MONDAY)
    page = web_view.web_view(three_sources.editions("ada")[-1].id or 0, "/editions/x")
    feed = edition_feeds.subscriber_feed(number).items[0].html

    for place in (page, feed):
        assert "bioRxiv preprint" in place
        assert "<i>Journal of Brains</i>" in place


@pytest.mark.parametrize(
    ("chosen", "titles"),
    [
        ("arXiv", ["Learning in networks"]),
        ("bioRxiv", ["Learning in neurons"]),
        ("arXiv, bioRxiv", ["Learning in networks", "Learning in neurons"]),
        ("medRxiv", []),
        ("", ALL),
    ],
)
def test_only_chosen_sources_come_and_the_preview_agrees(three_sources: Lab, chosen: str, titles: list[str]) -> None:
    number = three_sources.subscribe("ada", "learning", sources=chosen)
    three_sources.run(MONDAY)
    profile = update_preferences.account_of(number).profile
    previewed = preview(profile)

    assert sorted(three_sources.papers("ada")) == titles
    assert sorted(paper.title for day in previewed.days for paper in day.papers) == titles
    assert [day.announced for day in previewed.days] == [len(titles)]


def test_a_choice_counts_without_topics_and_for_followed_authors_too(three_sources: Lab) -> None:
    three_sources.subscribe("ada", authors=["Ada Byron"], sources="bioRxiv")
    three_sources.subscribe("bob", categories="Biology", sources="bioRxiv")
    three_sources.run(MONDAY)

    assert three_sources.papers("ada") == ["Learning in neurons"]
    assert three_sources.papers("bob") == ["Learning in neurons"]


def test_a_paper_of_two_sources_comes_to_those_who_chose_either(lab: Lab) -> None:
    lab.store(MONDAY, preprint("Learning in neurons", arxiv_id="2511.00009"), source="biorxiv")
    for name, source_name in (("ada", "arXiv"), ("bob", "bioRxiv"), ("cy", "medRxiv")):
        lab.subscribe(name, "learning", sources=source_name)
    lab.run(MONDAY)

    assert [len(lab.papers(name)) for name in ("ada", "bob", "cy")] == [1, 1, 0]


@pytest.mark.parametrize(
    ("subjects", "titles"),
    [
        ("Neuroscience", ["Learning in neurons", "Learning on arXiv"]),
        ("q-bio.NC", ["Learning on arXiv"]),
        ("Biology", ["Learning in brains", "Learning in neurons", "Learning on arXiv"]),
        ("bio.*", ["Learning in brains", "Learning in neurons", "Learning on arXiv"]),
        ("q-bio.*", ["Learning on arXiv"]),
        ("cs.LG", ["Learning in networks"]),
    ],
)
def test_a_subject_chosen_by_name_brings_the_papers_of_all_sources(
    three_sources: Lab, subjects: str, titles: list[str]
) -> None:
    three_sources.store(MONDAY, paper(2, "Learning on arXiv", categories=("q-bio.NC",)))
    three_sources.subscribe("ada", "learning", categories=subjects)
    three_sources.run(MONDAY)

    assert sorted(three_sources.papers("ada")) == titles


@pytest.mark.parametrize(
    ("topic", "titles"),
    [
        ("cat:bio.*", ["Learning in brains", "Learning in neurons", "Learning on arXiv"]),
        ("learning AND cat:bio.neuroscience", ["Learning in neurons", "Learning on arXiv"]),
        ("learning ANDNOT cat:bio", ["Learning in networks"]),
        ("cat:q-bio.NC", ["Learning on arXiv"]),
    ],
)
def test_a_subject_in_a_topic_finds_the_papers_of_all_sources(
    three_sources: Lab, topic: str, titles: list[str]
) -> None:
    three_sources.store(MONDAY, paper(2, "Learning on arXiv", categories=("q-bio.NC",)))
    three_sources.subscribe("ada", topic)
    three_sources.run(MONDAY)

    assert sorted(three_sources.papers("ada")) == titles


def test_papers_in_languages_that_were_not_chosen_are_left_out(lab: Lab) -> None:
    lab.store(MONDAY, paper(1, "Lernen in networks"), ListedPaper(Record(
        title="Das Lernen und die Netze", abstract=GERMAN, arxiv_id="2511.00003", categories=("cs.LG",)
    )))  # fmt: skip
    for name, languages in (("ada", ""), ("bob", "English"), ("cy", "de")):
        lab.subscribe(name, "lernen", languages=languages)
    lab.run(MONDAY)

    assert [sorted(lab.papers(name)) for name in ("ada", "bob", "cy")] == [
        ["Das Lernen und die Netze", "Lernen in networks"],
        ["Lernen in networks"],
        ["Das Lernen und die Netze"],
    ]


def test_why_says_that_a_paper_was_left_out_for_its_source_or_its_language(three_sources: Lab) -> None:
    three_sources.subscribe("ada", "learning", sources="bioRxiv")
    three_sources.subscribe("bob", "learning", languages="de")
    three_sources.run(MONDAY)

    assert "your sources (biorxiv) leave it out: it is from arxiv" in "\n".join(
        why_report.why_paper("ada@example.com", "2511.00001")
    )
    assert "your languages (de) leave it out: it is in en" in "\n".join(
        why_report.why_paper("bob@example.com", "2511.00001")
    )


def test_a_mail_with_papers_of_arxiv_alone_names_no_source(lab: Lab, smtp: MailServer) -> None:
    lab.store(MONDAY, paper(1, "Learning in networks", venue="NeurIPS 2025"))
    lab.subscribe("ada", "learning")
    lab.run(MONDAY)
    text, html = parts(smtp)

    assert "A. Byron · cs.LG · NeurIPS 2025" in text
    assert "arXiv" not in text.partition("Learning in networks")[2].partition("https://")[0]
    assert "<i>" not in html


@pytest.mark.parametrize("title", ["A Journal", "Журнал мозга"])
def test_who_chose_only_a_feed_that_was_removed_gets_the_papers_of_all_sources(three_sources: Lab, title: str) -> None:
    key = outlet_key(title)
    with transaction() as session:
        for number, name in enumerate(("journal", "other")):
            feed_title = title if number == 0 else "Other"
            session.add(FeedSource(name=name, title=feed_title, url=f"https://x.example/{name}", added_at=clock.now()))
    number = three_sources.subscribe("ada", "learning", sources=key)
    three_sources.subscribe("bob", "learning", sources=f"{key}, bioRxiv")
    three_sources.subscribe("cy", "learning", sources="other")
    source_admin.remove_feed("journal", actor="test")
    previewed = preview(update_preferences.account_of(number).profile)
    three_sources.run(MONDAY)

    assert [sorted(three_sources.papers(name)) for name in ("ada", "bob", "cy")] == [ALL, ["Learning in neurons"], []]
    assert sorted(paper.title for day in previewed.days for paper in day.papers) == ALL
