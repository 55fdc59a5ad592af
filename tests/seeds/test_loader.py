"""Forms, files and the demo's announcements."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from digest.errors import BadInput
from digest.papers import ParsedDocument, title_key
from seeds import loader
from seeds.loader import SeedForm
from tests.seeds.conftest import TODAY


def test_every_document_is_known_by_its_own_marks(texts: dict[str, str]) -> None:
    assert {name: loader.detect_form(text) for name, text in texts.items()} == {
        "000": SeedForm.AUTHOR_PROFILE,
        "001": SeedForm.TRENDING_PAGE,
        "002": SeedForm.AUTHOR_PROFILE,
        "003": SeedForm.IDENTIFIER_LISTING,
        "004": SeedForm.ABSTRACTS,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "the document is empty"), (" \r\n\ufeff"[:3], "the document is empty"), ("Hello.", "the form is unknown")],
)
def test_what_holds_no_paper_says_why(text: str, reason: str) -> None:
    document = loader.parse(text, today=TODAY)

    assert (document.papers, [bad.reason for bad in document.rejected]) == ((), [reason])


def test_given_files_are_read_instead_of_the_shipped_ones(tmp_path: Path, texts: dict[str, str]) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(texts["004"], encoding="utf-8")

    assert [(name, len(document.papers)) for name, document in loader.load([path], today=TODAY)] == [("mine.txt", 10)]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent\.txt"):
        loader.load([tmp_path / "absent.txt"], today=TODAY)


def test_a_paper_with_lost_bytes_is_refused_and_the_rest_kept(tmp_path: Path, texts: dict[str, str]) -> None:
    path = tmp_path / "broken.txt"
    path.write_bytes(texts["004"].encode().replace(b"recently gained", b"recently \xff gained", 1))
    document = loader.load([path], today=TODAY)[0][1]

    assert (len(document.papers), [(bad.position, bad.reason) for bad in document.rejected]) == (
        9,
        [(4, "unreadable characters")],
    )


def test_the_demo_has_two_days_a_day_apart() -> None:
    first, second = loader.announcements(TODAY)

    assert (first.day, second.day) == (TODAY - timedelta(days=1), TODAY)
    assert [name[:3] for name, _ in (*first.documents, *second.documents)] == ["000", "001", "002", "003", "004"]


def test_two_papers_of_the_second_day_were_there_on_the_first() -> None:
    first, second = loader.announcements(TODAY)
    repeated_titles = {paper.record.title for paper in first.papers} & {paper.record.title for paper in second.papers}

    assert repeated_titles == {
        "Stochastic Policy Gradient Methods: Improved Sample Complexity for Fisher-non-degenerate Policies",
        "Reinforcement Learning with General Utilities: Simpler Variance Reduction and Large State-Action Space",
    }


def test_every_paper_with_title_and_authors_has_a_key_of_its_own(parsed: dict[str, ParsedDocument]) -> None:
    keys = [title_key(paper.record) for name in ("000", "002") for paper in parsed[name].papers]

    assert len(set(keys) - {None}) == 100
