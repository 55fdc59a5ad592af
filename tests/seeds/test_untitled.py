"""The two forms without titles: the listing by identifier, and abstracts alone."""

from __future__ import annotations

import pytest

from digest.papers import ParsedDocument
from seeds import abstracts, identifier_listing
from seeds.page import derived_title
from tests.seeds.conftest import TODAY


def test_an_identifier_belongs_to_the_abstract_before_it(parsed: dict[str, ParsedDocument]) -> None:
    identifiers = [(paper.record.arxiv_id, paper.record.abstract[:22]) for paper in parsed["003"].papers[:3]]

    assert identifiers == [
        ("2506.17828", "Aligning large languag"),
        ("2504.21326", "Many practical reinfor"),
        ("2412.16683", "We derive the system o"),
    ]


def test_comments_are_kept_and_name_the_venue(parsed: dict[str, ParsedDocument]) -> None:
    comments = [(paper.record.comment, paper.record.venue) for paper in parsed["003"].papers if paper.record.comment]

    assert comments == [
        ("AISTATS 2025", "AISTATS 2025"),
        (
            "Accepted by IEEE/ACM Transactions on Audio, Speech and Language Processing",
            "IEEE/ACM Transactions on Audio, Speech and Language Processing",
        ),
        (
            "73 pages, the Thirty-Eighth Annual Conference on Neural Information Processing Systems (2024)",
            "NeurIPS 2024",
        ),
        ("Accepted by ICML 2024", "ICML 2024"),
        ("arXiv admin note: text overlap with arXiv:2310.16173", None),
    ]


def test_the_id_in_an_admin_note_is_no_paper(parsed: dict[str, ParsedDocument]) -> None:
    ids = [paper.record.arxiv_id for paper in parsed["003"].papers]

    assert (len(ids), "2310.16173" in ids) == (10, False)


def test_a_digit_glued_behind_an_id_opens_the_next_abstract() -> None:
    text = "First one.\narXiv:2506.178283D scenes are hard.\narXiv:0704.12344D too.\narXiv:hep-th/9901001v2"
    listing_papers = identifier_listing.parse(text, today=TODAY).papers

    assert [(paper.record.arxiv_id, paper.record.version, paper.record.abstract) for paper in listing_papers] == [
        ("2506.17828", 1, "First one."),
        ("0704.1234", 1, "3D scenes are hard."),
        ("hep-th/9901001", 2, "4D too."),
    ]


def test_an_id_that_is_cut_is_no_id(texts: dict[str, str]) -> None:
    document = identifier_listing.parse(texts["003"][:-1], today=TODAY)

    assert (len(document.papers), [bad.reason for bad in document.rejected]) == (9, ["cut before its identifier"])


def test_each_abstract_paragraph_is_a_paper(parsed: dict[str, ParsedDocument]) -> None:
    papers = parsed["004"].papers

    assert (len(papers), papers[7].record.code_url) == (10, "https://github.com/tensorgi/T6")


def test_a_paragraph_without_the_mark_is_refused_at_its_line() -> None:
    document = abstracts.parse("Abstract:One is whole.\nstray\nAbstract:Two is whole.", today=TODAY)

    assert (len(document.papers), [(bad.position, bad.excerpt) for bad in document.rejected]) == (2, [(2, "stray")])


def test_papers_without_title_say_that_theirs_is_made(parsed: dict[str, ParsedDocument]) -> None:
    assert all(paper.record.title_derived for name in ("003", "004") for paper in parsed[name].papers)


@pytest.mark.parametrize(
    ("abstract", "title"),
    [
        ("We win. Then more.", "We win"),
        ("Models, e.g. GPT, win. More.", "Models, e.g. GPT, win"),
        ("Results of Jia et al. Hold here. More.", "Results of Jia et al. Hold here"),
        ("Is it so? Yes.", "Is it so?"),
        (f"{'word ' * 21}of the $a + b$ formula wins.", f"{'word ' * 20}word…"),
        (f"{'word ' * 20}$a + b + c + d$ wins and more.", f"{'word ' * 19}word…"),
    ],
)
def test_a_title_is_made_of_the_first_sentence(abstract: str, title: str) -> None:
    assert derived_title(abstract) == title


def test_a_made_title_is_never_long_and_never_ends_within_a_formula(parsed: dict[str, ParsedDocument]) -> None:
    titles = [paper.record.title for name in ("003", "004") for paper in parsed[name].papers]

    assert all(10 < len(title) <= 110 and title.count("$") % 2 == 0 for title in titles)
