"""Titles and authors joined in one line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.papers import ParsedDocument
from seeds import joined_titles
from tests.benchmarks import glued_titles
from tests.seeds.labels import GLUED


def split(line: str, *, more: bool = False, words: set[str] | None = None, people: set[str] | None = None) -> object:
    title_line = joined_titles.split_line(line, is_truncated=more, words=words or set(), known_names=people or set())
    return title_line and (title_line.title, *title_line.authors)


def test_all_fifty_lines_of_the_page_are_split_as_read_by_eye(parsed: dict[str, ParsedDocument]) -> None:
    split_lines = tuple((paper.record.title, paper.record.authors) for paper in parsed["002"].papers)

    assert split_lines == GLUED


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("On Deep LearningNiao He", ("On Deep Learning", "Niao He")),
        ("Revisiting DAgger in the Era of LLM-AgentsWei Li", ("Revisiting DAgger in the Era of LLM-Agents", "Wei Li")),
        ("Rates under $α$-PLSaeed Masiha, Niao He", ("Rates under $α$-PL", "Saeed Masiha", "Niao He")),
        ("Is it so?Q. Ma, Wei Li", ("Is it so?", "Q. Ma", "Wei Li")),
        ("Learning, Fast and SlowYa-Ping Hsieh", ("Learning, Fast and Slow", "Ya-Ping Hsieh")),
        ("Robust MDPsJan van der Berg", ("Robust MDPs", "Jan van der Berg")),
        ("Robust MDPsWei DeVries", ("Robust MDPs", "Wei DeVries")),
    ],
)
def test_a_certain_seam_splits(line: str, expected: tuple[str, ...]) -> None:
    assert split(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "On deep learning",  # no authors
        "On deep learningvladimir Vapnik",  # the change of case is missing
        "On Deep LearningMadhavi",  # a name of one word could be a word
        "On Deep LearningXiaoMing Wang",  # 'LearningXiao' or 'Learning'
        "On Deep LearningATLAS Collaboration",  # no person
        "Analysis with NovaPyWei Li",  # no evidence for 'NovaPy'
    ],
)
def test_doubt_leaves_a_line_unsplit(line: str) -> None:
    assert split(line) is None


def test_a_word_of_the_prose_supports_an_unusual_title_end() -> None:
    assert split("Analysis with NovaPyWei Li", words={"novapy"}) == ("Analysis with NovaPy", "Wei Li")


def test_a_name_in_another_line_supports_the_split_before_it() -> None:
    assert split("Analysis with NovaPyWei Li", people={"Wei Li"}) == ("Analysis with NovaPy", "Wei Li")


def test_before_et_al_the_glue_is_in_the_third_piece_from_the_right() -> None:
    assert split("Learning, PlanningWei Li, Niao He, Xin Xu", more=True) == (
        "Learning, Planning", "Wei Li", "Niao He", "Xin Xu",
    )  # fmt: skip


@given(st.text(max_size=60), st.booleans())
def test_no_line_raises_and_a_split_is_the_line_again(line: str, more: bool) -> None:
    title_line = joined_titles.split_line(line, is_truncated=more, words=(), known_names=())

    assert title_line is None or title_line.title + ", ".join(title_line.authors) == line


def test_of_two_thousand_real_lines_at_most_one_in_400_is_wrong_and_one_in_six_refused(shared: Path) -> None:
    rows = glued_titles.papers(shared / "data" / "corpus.jsonl.xz", 2000, step=64)
    counts = Counter(result for result, _ in glued_titles.outcomes(rows))

    assert counts["right"] + counts["wrong"] + counts["rejected"] == 2000
    assert counts["wrong"] <= 5
    assert counts["rejected"] <= 2000 / 6
