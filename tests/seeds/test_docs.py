"""docs/SEEDS.md describes what the parsers do."""

from __future__ import annotations

from pathlib import Path

from tests.seeds import table
from tests.seeds.conftest import TODAY

PAGE = Path(__file__).resolve().parents[2] / "docs" / "SEEDS.md"


def test_the_page_shows_the_true_counts() -> None:
    assert table.render(TODAY) in PAGE.read_text(encoding="utf-8")


def test_every_reason_for_a_refusal_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    reasons = {
        "the document is empty", "the form is unknown", "no list of papers on this page", "not part of a paper",
        "cut before its abstract", "cut within its abstract", "cut before its identifier",
        "the last abstract ends within a sentence", "an abstract without a title", "a title without an abstract",
        "an identifier without an abstract", "an abstract without its beginning",
        "title and authors can't be told apart", "no such day", "unreadable characters", "does not begin with",
    }  # fmt: skip

    assert {reason for reason in reasons if reason not in page} == set()
