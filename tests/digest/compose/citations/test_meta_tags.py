"""Meta tags, read by the rules of Zotero's translator for embedded metadata."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from digest.compose.citations.meta_tags import citation_meta_tags
from digest.papers import Record
from tests.digest.compose.citations.samples import RECORDS, cite

PAGE = "https://papers.example/papers/1"


def tags_of(record: Record) -> list[tuple[str, str]]:
    return list(citation_meta_tags(cite([record])[0], PAGE))


def people(tags: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """(family, given) as the translator reads them: it splits at semicolons, and at commas between two full names."""
    authors = []
    for content in (content for name, content in tags if name == "citation_author"):
        names = re.split(r"\s*;\s*", content)
        by_comma = re.split(r"\s*,\s*", names[0])
        if len(names) == 1 and len(by_comma) > 1 and " " in by_comma[0] and " " in by_comma[1]:
            names = by_comma
        for name in names:
            family, comma, given_names = name.partition(", ")
            if not comma:
                given_names, _, family = name.rpartition(" ")
            authors.append((family, given_names))
    return authors


def test_an_arxiv_paper_has_what_the_button_needs() -> None:
    tags = tags_of(RECORDS[0])
    values = dict(tags)

    assert values["citation_title"].startswith("DPZero: A Õ(d√K)-Regret")
    assert values["citation_publication_date"] == values["citation_date"] == "2023/07/15"
    assert values["citation_arxiv_id"] == "2307.07907"
    assert values["citation_pdf_url"] == "https://arxiv.org/pdf/2307.07907"
    assert values["citation_abstract_html_url"] == PAGE
    assert "citation_journal_title" not in values
    assert people(tags)[:2] == [("Schmidhuber", "Jürgen"), ("van der Waals", "Johannes")]


def test_only_an_article_has_a_journal() -> None:
    assert dict(tags_of(RECORDS[2]))["citation_journal_title"] == "Annals of Mathematics"
    assert dict(tags_of(RECORDS[2]))["citation_doi"] == "10.1007/s00222-004-0411-x_7"
    assert "citation_journal_title" not in dict(tags_of(RECORDS[1]))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("Johannes Diderik van der Waals", 1),
        ("Waals, Johannes Diderik", 1),
        ("A; B", 1),
        ("De La Cruz, Juan Carlos", 1),
        ("Martin Luther King Jr.", 1),
        ("ATLAS, CMS and LHCb Collaboration", 1),
    ],
)
def test_a_name_is_never_read_as_two_people(name: str, count: int) -> None:
    assert len(people(tags_of(Record("T", authors=(name,))))) == count
