"""The truth cases: one table, shown in docs/MATCHING.md, checked here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from digest.matching.profile import Candidate, Profile, Topic
from digest.matching.reference.reference_matcher import match
from digest.matching.scoring import word_counts
from digest.papers import Record

TABLE = Path(__file__).with_name("truth.md")
PAGE = Path(__file__).parents[3] / "docs" / "MATCHING.md"


def rows() -> list[tuple[str, ...]]:
    lines = TABLE.read_text("utf-8").splitlines()[2:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def paper(text: str) -> Record:
    """`title · field: value · …` as a record."""
    title, *parts = text.split(" · ")
    record = Record(title)
    for part in parts:
        field, _, value = part.partition(": ")
        changes: dict[str, dict[str, Any]] = {
            "abs": {"abstract": value},
            "au": {"authors": (value,)},
            "cat": {"categories": tuple(value.split())},
            "co": {"comment": value},
            "venue": {"venue": value},
            "inst": {"institutions": (value,)},
            "code": {"code_url": "https://code.example/1"},
        }
        record = replace(record, **changes[field])
    return record


def profile(topic: str, options: str) -> Profile:
    """A profile of one topic and, with commas, `not QUERY`, `follow NAME`, `in CATEGORY`, `primary`, `close off`."""
    built = Profile(topics=(Topic(topic),))
    for part in filter(None, options.split(", ")):
        word, _, value = part.partition(" ")
        changes: dict[str, dict[str, Any]] = {
            "not": {"exclusions": (value,)},
            "follow": {"authors": (value,)},
            "in": {"categories": (value,)},
            "primary": {"primary_only": True},
            "close": {"close": False},
        }
        built = replace(built, **changes[word])
    return built


@pytest.mark.parametrize(("rule", "topic", "options", "text", "answer"), rows())
def test_a_truth_case_holds(rule: str, topic: str, options: str, text: str, answer: str) -> None:
    matches = match(profile(topic, options), [Candidate(1, paper(text), 1)], word_counts.prior(), tau=None)
    outcome = "no" if not matches else "followed" if matches[0].followed else "strict" if matches[0].strict else "close"

    assert outcome == answer, rule


def test_the_page_shows_the_table_as_it_is_tested() -> None:
    table = TABLE.read_text("utf-8").strip()

    assert table in PAGE.read_text("utf-8")
