"""Novelty and the quality score."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.matching.profile import Candidate
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.scoring.novelty import FieldIndex, author_record, novelty, quality
from digest.papers import Record


@pytest.fixture(scope="module")
def days(shared: Path) -> list[Document]:
    """Real papers of three days."""
    documents = []
    for day in ("2025-09-29", "2025-09-30", "2025-10-01"):
        with gzip.open(shared / f"data/replay/days/{day}.jsonl.gz", "rt") as lines:
            for line in lines:
                row = json.loads(line)
                record = Record(row["title"], row["abstract"], categories=tuple(row["categories"] or ()))
                documents.append(prepare_document(Candidate(len(documents) + 1, record, 1)))
    return documents


def _field(documents: list[Document], archive: str) -> tuple[list[Document], FieldIndex]:
    documents_of_archive = [d for d in documents if d.categories[:1] and d.categories[0].startswith(archive)]
    return documents_of_archive, FieldIndex(documents_of_archive, Weights(word_counts.prior()))


def _novelty(document: Document, field: FieldIndex) -> int:
    return novelty(field.nearest(document).likeness)


def test_a_near_copy_is_not_novel(days: list[Document]) -> None:
    documents, field = _field(days, "cs.lg")
    copies = []
    for original in documents[:40]:
        record = original.candidate.record
        copy = Record(record.title + " (extended)", "We revisit this. " + record.abstract[:-40])
        copies.append(_novelty(prepare_document(Candidate(10**6, copy, 1)), field))

    assert max(copies) < 10


def test_a_paper_from_another_field_is_novel(days: list[Document]) -> None:
    _, field = _field(days, "cs.ro")
    foreign_documents, _ = _field(days, "astro-ph")
    novelties = sorted(_novelty(document, field) for document in foreign_documents[:60])

    assert len(novelties) == 60
    assert novelties[3] > 80  # 95 % of them


def test_a_paper_is_compared_with_those_before_it_alone(days: list[Document]) -> None:
    documents, _ = _field(days, "cs.lg")
    duplicate = prepare_document(Candidate(10**6, documents[0].candidate.record, 1))
    field = FieldIndex([*documents, duplicate], Weights(word_counts.prior()))

    assert (field.nearest(duplicate).paper, _novelty(duplicate, field)) == (documents[0].candidate.id, 0)
    assert field.nearest(documents[0]).paper is None
    assert _novelty(documents[1], field) > 10


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_nearer_paper_never_makes_one_more_novel(similarity: float, other: float) -> None:
    assert novelty(max(similarity, other)) <= novelty(min(similarity, other))


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
def test_more_of_a_part_never_lowers_the_score(trending: int, more: int, new: int, author: int) -> None:
    low, high = sorted((trending, more))
    before, after = (quality(trending=t, novelty=new, author=author) for t in (low, high))

    assert before is not None
    assert after is not None
    assert before.score <= after.score


def test_an_unknown_part_is_left_out() -> None:
    figure = quality(trending=None, novelty=60, author=None)

    assert figure is not None
    assert (figure.score, dict(figure.parts)) == (60, {"novelty": 60})


def test_nothing_known_is_no_score() -> None:
    assert quality(trending=None, novelty=None, author=None) is None


@pytest.mark.parametrize(("h_index", "expected"), [(0, 0), (10, 51), (56, 87), (100, 100), (500, 100)])
def test_an_author_record_grows_with_the_h_index(h_index: int, expected: int) -> None:
    assert author_record(h_index) == expected
