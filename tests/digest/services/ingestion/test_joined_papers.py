"""A preprint and its published version are one paper, in whatever order they come."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlmodel import col, select

from digest.db.core.engine import reading
from digest.models import Paper, PaperVersion
from digest.papers import ListedPaper, Record, is_same_paper
from digest.services.catalog import paper_exports, paper_lookup, paper_presenters
from digest.services.editions import web_view
from digest.sources import crossref
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import FILLER, MONDAY, Lab
from tests.servers import MailServer

TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
PREPRINT, ARTICLE = "10.1101/2025.11.17.000001", "10.1038/s41586-025-00001-1"
TITLE = "Linear bandits in the cortex of mice"
AUTHORS = ("Ada Byron", "Emmy Noether", "Lise Meitner")


def record(title: str = TITLE, **fields: object) -> ListedPaper:
    values: dict[str, object] = {"abstract": FILLER.format(title), "authors": AUTHORS, "doi": PREPRINT}
    return ListedPaper(Record(title, **(values | fields)), "new")  # type: ignore[arg-type]


def article(title: str = TITLE, **fields: object) -> ListedPaper:
    return record(title, **{"doi": ARTICLE, "venue": "Nature", "pmid": "40000001", **fields})


RELATION = ListedPaper(Record("", doi=ARTICLE, preprint_dois=(PREPRINT,), venue="Nature"))
OTHER_TITLE = "How mice decide among many bandits"


def visible() -> list[Paper]:
    with reading() as session:
        return list(session.exec(select(Paper).where(col(Paper.merged_into).is_(None)).order_by(col(Paper.id))).all())


def newest_detail(paper: Paper) -> dict[str, object]:
    with reading() as session:
        statement = select(PaperVersion.detail).where(PaperVersion.paper_id == paper.id)
        return session.exec(statement.where(PaperVersion.revision == paper.revision)).one()


@pytest.fixture
def ada(lab: Lab) -> Lab:
    lab.subscribe("ada", "bandits")
    return lab


ORDERS = {
    "preprint, then the article that names it": (record(), article(preprint_dois=(PREPRINT,))),
    "preprint, then the article by title and authors": (record(), article()),
    "article, then the preprint by title and authors": (article(), record()),
    "article, then the preprint that names it": (article(OTHER_TITLE), record(doi=ARTICLE, preprint_dois=(PREPRINT,))),
    "preprint, then the article under another title": (record(), article(OTHER_TITLE, preprint_dois=(PREPRINT,))),
    "arXiv preprint, then the article": (
        record(doi=None, arxiv_id="2511.00001"),
        article(),
    ),
    "arXiv preprint with the article's DOI, then the article": (
        record(doi=ARTICLE, arxiv_id="2511.00001"),
        article(OTHER_TITLE),
    ),
    "article, then the arXiv preprint": (article(), record(doi=None, arxiv_id="2511.00001")),
}


@pytest.mark.parametrize(
    ("database", "order"),
    [("sqlite", order) for order in ORDERS] + [("postgresql", order) for order in list(ORDERS)[:4]],
    indirect=["database"],
)
def test_a_paper_is_mailed_once_as_preprint_or_article(ada: Lab, order: str) -> None:
    first, second = ORDERS[order]
    ada.store(MONDAY, first)
    ada.run(MONDAY)
    ada.store(TUESDAY, second)
    ada.run(TUESDAY)

    assert ada.papers("ada") == [first.record.title]
    [paper] = visible()
    assert paper.doi == ARTICLE
    assert newest_detail(paper)["venue"] == "Nature"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_both_in_one_document_are_one_paper(lab: Lab) -> None:
    lab.store(MONDAY, article(OTHER_TITLE), record(), RELATION)

    [paper] = visible()
    assert (paper.doi, newest_detail(paper)["preprint_dois"]) == (ARTICLE, [PREPRINT])


def test_a_relation_that_comes_later_joins_two_stored_papers_and_only_the_first_is_mailed(ada: Lab) -> None:
    ada.store(MONDAY, record())
    ada.run(MONDAY)
    ada.store(TUESDAY, article(OTHER_TITLE))
    assert len(visible()) == 2
    ada.store(TUESDAY, RELATION)
    ada.run(TUESDAY)

    assert ada.papers("ada") == [TITLE]
    [paper] = visible()
    assert (paper.doi, paper.announcement_id) == (ARTICLE, MONDAY.toordinal())
    assert newest_detail(paper)["preprint_dois"] == [PREPRINT]
    assert paper_lookup.find_papers([PREPRINT, ARTICLE]).paper_ids == (paper.id,)


def test_the_page_of_a_joined_paper_is_that_of_the_first(lab: Lab) -> None:
    lab.store(MONDAY, record())
    lab.store(TUESDAY, article(OTHER_TITLE))
    first, second = visible()
    lab.store(TUESDAY, RELATION)

    assert paper_presenters.paper(second.id or 0).row.id == first.id


def test_joining_again_changes_nothing_and_later_versions_go_to_the_first(lab: Lab) -> None:
    lab.store(MONDAY, record())
    lab.store(TUESDAY, article(OTHER_TITLE))
    lab.store(TUESDAY, RELATION)
    second_counts = [lab.store(WEDNESDAY, listed) for listed in (RELATION, record(), article(OTHER_TITLE))]
    revised = lab.store(WEDNESDAY, record("Linear bandits in the cortex of rats", version=2))

    assert [(counts.new, counts.updated) for counts in second_counts] == [(0, 0)] * 3
    assert (revised.new, revised.updated, len(visible())) == (0, 1, 1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_relation_between_unlike_papers_is_not_believed(lab: Lab) -> None:
    lab.store(MONDAY, record())
    lab.store(TUESDAY, article("Thermal noise of mirrors", authors=("Max Planck", "Niels Bohr")))
    lab.store(TUESDAY, RELATION)

    assert len(visible()) == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_two_papers_with_arxiv_ids_are_never_joined(lab: Lab) -> None:
    lab.store(MONDAY, record(doi=PREPRINT, arxiv_id="2511.00001"), article(OTHER_TITLE, arxiv_id="2511.00002"))
    lab.store(TUESDAY, RELATION)

    assert len(visible()) == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_corrected_doi_of_the_published_version_replaces_the_wrong_one(lab: Lab) -> None:
    lab.store(MONDAY, record(), RELATION)
    correct_doi = "10.1038/s41586-025-00002-2"
    lab.store(TUESDAY, ListedPaper(Record("", doi=correct_doi, preprint_dois=(PREPRINT,))))

    [paper] = visible()
    assert paper.doi == correct_doi
    assert paper_lookup.find_papers([ARTICLE]).unknown == (ARTICLE,)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_preprint_of_an_unknown_server_is_one_where_a_source_says_so(lab: Lab) -> None:
    unknown = "10.5555/preprint.1"
    lab.store(MONDAY, record(doi=unknown))
    lab.store(TUESDAY, ListedPaper(Record("", doi=ARTICLE, preprint_dois=(unknown,))), article(OTHER_TITLE))

    [paper] = visible()
    assert (paper.doi, newest_detail(paper)["preprint_dois"]) == (ARTICLE, [unknown])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_two_parts_of_one_title_are_two_papers(lab: Lab) -> None:
    lab.store(MONDAY, record("Bandits in the cortex of mice: Part I"))
    lab.store(TUESDAY, article("Bandits in the cortex of mice: Part II"))

    assert len(visible()) == 2


def test_a_real_preprint_and_its_article_are_one_paper_without_the_relation(shared: Path) -> None:
    samples = shared / "data" / "sources"
    preprint = crossref.parse((samples / "crossref" / "works_posted_content_preprint.json").read_bytes()).record
    work = json.loads((samples / "openalex" / "work_2025.json").read_text(encoding="utf-8"))
    names = tuple(authorship["raw_author_name"] for authorship in work["authorships"])
    published = Record(work["title"], authors=names, doi=work["doi"].removeprefix("https://doi.org/"))

    assert (preprint.doi, len(preprint.preprint_dois)) == (published.doi, 1)
    assert is_same_paper(replace(preprint, doi=preprint.preprint_dois[0], preprint_dois=()), published)


def mail_text(smtp: MailServer) -> str:
    """The text part of the only mail."""
    [sent] = smtp.log
    part = message_from_bytes(sent.raw, policy=policy.default).get_body(("plain",))
    return str(part.get_content()) if part else ""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_mail_page_and_web_view_link_both_versions_and_name_the_journal(ada: Lab, smtp: MailServer) -> None:
    ada.store(MONDAY, record(), RELATION)
    ada.run(MONDAY)
    [paper] = visible()
    page = paper_presenters.paper(paper.id or 0)
    html = web_view.web_view(ada.editions("ada")[0].id or 0, "/editions/x")
    text = mail_text(smtp)

    assert "now in Nature" in page.row.badges
    assert [address for _, address in page.links] == [f"https://doi.org/{ARTICLE}", f"https://doi.org/{PREPRINT}"]
    for part in (text, html):
        assert "now in Nature" in part
        assert f"https://doi.org/{ARTICLE}" in part
        assert f"https://doi.org/{PREPRINT}" in part


@pytest.mark.parametrize("outlets", [("bioRxiv",), ("PubMed", "bioRxiv"), ("PubMed",)])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_mail_names_the_server_of_the_preprint_and_the_journal(
    ada: Lab, smtp: MailServer, outlets: tuple[str, ...]
) -> None:
    ada.store(MONDAY, article(preprint_dois=(PREPRINT,), outlets=outlets))
    ada.run(MONDAY)

    assert "bioRxiv preprint · now in Nature" in " ".join(mail_text(smtp).split())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_published_version_is_cited(lab: Lab) -> None:
    lab.store(MONDAY, record(published=MONDAY), article(preprint_dois=(PREPRINT,), issued=MONDAY.replace(year=2024)))
    [paper] = visible()
    bibtex = paper_exports.bibtex_entries([paper.id or 0])

    assert "@article" in bibtex
    assert "journal = {Nature}" in bibtex
    assert f"doi = {{{ARTICLE}}}" in bibtex
    assert "year = {2024}" in bibtex


RETRACTIONS = {
    "by its id": Record("", pmid="40000001", withdrawn=True, retracted=True),
    "by its title": Record(f"RETRACTED: {TITLE}", authors=AUTHORS, doi=ARTICLE),
    "as a publisher writes it": Record(f"[RETRACTED ARTICLE] {TITLE}", authors=AUTHORS, doi=ARTICLE),
}


@MAINLY_SQLITE
@pytest.mark.parametrize("retraction", RETRACTIONS)
def test_a_retracted_paper_is_marked_and_never_mailed(ada: Lab, retraction: str) -> None:
    ada.store(MONDAY, article())
    ada.store(MONDAY, ListedPaper(RETRACTIONS[retraction], "new"))
    ada.run(MONDAY)
    [paper] = visible()

    assert ada.papers("ada") == []
    assert "retracted" in paper_presenters.paper(paper.id or 0).row.badges


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_paper_that_comes_retracted_is_never_mailed(ada: Lab) -> None:
    ada.store(MONDAY, article(f"Retracted: {TITLE}"))
    ada.run(MONDAY)

    assert ada.papers("ada") == []


@MAINLY_SQLITE
def test_a_paper_retracted_after_its_mail_is_marked_in_the_web_view(ada: Lab) -> None:
    ada.store(MONDAY, article())
    ada.run(MONDAY)
    edition = ada.editions("ada")[0].id or 0
    before = web_view.web_view(edition, "/editions/x")
    ada.store(TUESDAY, ListedPaper(RETRACTIONS["by its id"]))

    assert ("retracted" in before, "retracted" in web_view.web_view(edition, "/editions/x")) == (False, True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_retraction_of_the_article_marks_the_preprint_that_was_mailed(ada: Lab) -> None:
    ada.store(MONDAY, record(version=3))
    ada.run(MONDAY)
    ada.store(TUESDAY, article(OTHER_TITLE))
    ada.store(WEDNESDAY, ListedPaper(RETRACTIONS["by its id"]))
    ada.store(WEDNESDAY, RELATION)

    assert "retracted" in web_view.web_view(ada.editions("ada")[0].id or 0, "/editions/x")


def test_a_summary_of_either_version_stays_with_its_origin(lab: Lab) -> None:
    lab.store(MONDAY, record())
    lab.store(TUESDAY, article(OTHER_TITLE))
    summarized = replace(article(OTHER_TITLE), summary="Mice are bandits.")
    lab.store(TUESDAY, summarized, source="semantic-scholar")
    lab.store(WEDNESDAY, RELATION)
    [paper] = visible()

    assert paper_presenters.paper(paper.id or 0).summary == ("In short, by Semantic Scholar:", "Mice are bandits.")
