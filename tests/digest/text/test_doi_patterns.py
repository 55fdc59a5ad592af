"""DOIs with `<` and `>` in them, as feeds, PubMed and files of references spell them."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import quote

import pytest

from digest.bibliography.identifiers_in_text import find_doi
from digest.text.doi_patterns import SICI_ARTICLE, is_cut_off
from tests.digest.sources.test_feed_papers import entry, only

WILEY = "10.1002/(sici)1097-4571(199510)46:9<654::aid-asi7>3.0.co;2-s"
HASH = "10.1002/(sici)1521-4109(199809)10:12<821::aid-elan821>3.0.co;2-#"
WEATHER = "10.1175/1520-0469(1995)052<1237:tsotp>2.0.co;2"
PATTERN = re.compile(r"10\.\d{4,9}/(?:[^\s<>]|" + SICI_ARTICLE + ")+")


@pytest.mark.parametrize("doi", [WILEY, HASH, WEATHER])
def test_a_pattern_reads_the_part_that_names_the_article(doi: str) -> None:
    match = PATTERN.search(f"see {doi} there")

    assert match is not None
    assert match[0] == doi
    assert not is_cut_off(match)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("10.1002/(sici)1097-4571(199510)46:9<654::aid", True),
        ("10.1002/(sici)1097-4571(199510)46:93.0.co;2-s", True),
        ("10.1175/1520-0469(1995)052<1237", True),
        ("10.1234/a</a>", False),
        ("10.1016/s0092-8674(26)99999-6", False),
    ],
)
def test_a_doi_without_that_part_is_known_to_be_cut_off(text: str, cut: bool) -> None:
    match = PATTERN.search(text)

    assert match is not None
    assert is_cut_off(match) == cut


@pytest.mark.parametrize("doi", [WILEY, HASH, WEATHER])
@pytest.mark.parametrize(
    "inner",
    [
        "<prism:doi>{xml}</prism:doi>",
        "<dc:identifier>doi:{xml}</dc:identifier>",
        "<guid>https://doi.org/{url}</guid>",
        "<link>https://onlinelibrary.example/doi/abs/{url}?af=R</link>",
    ],
)
def test_a_feed_keeps_them(inner: str, doi: str) -> None:
    values = {"xml": escape(doi.upper()), "url": quote(doi, safe="/():;")}

    assert only(entry(inner.format(**values))).record.doi == doi


@pytest.mark.parametrize("text", ["doi:10.1002/(SICI)1097-4571(199510)46:9", "10.1175/1520-0469(1995)052<1237"])
def test_a_feed_takes_no_doi_that_is_cut_off(text: str) -> None:
    assert only(entry(f"<dc:identifier>{escape(text)}</dc:identifier>")).record.doi is None


@pytest.mark.parametrize("doi", [WILEY, HASH, WEATHER])
def test_a_file_of_references_keeps_them(doi: str) -> None:
    tex = doi.replace("<", "{\\textless}").replace(">", "{\\textgreater}")
    spellings = (doi, doi.upper(), tex, escape(doi), f"https://doi.org/{quote(doi)}".replace("%23", "#"))

    assert [find_doi(text) for text in spellings] == [doi] * 5
