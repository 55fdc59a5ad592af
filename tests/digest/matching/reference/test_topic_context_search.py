"""Contexts from earlier papers: which ones count, and what is typical of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise

import pytest

from digest.matching.profile import Candidate
from digest.matching.reference import topic_context_search
from digest.matching.reference.posting_lists import PostingLists, build_posting_lists, read_posting_lists
from digest.matching.reference.topic_context_search import ContextSearch
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import prepare_document
from digest.matching.scoring.topic_context import TopicContext
from digest.papers import Record

OTHERS = ("Proteins in cells", "Cells and proteins", "Stars of a cluster", "A cluster of stars") * 60


def posting_lists(titles: Sequence[str]) -> PostingLists:
    documents = [prepare_document(Candidate(number, Record(title, ""), 0)) for number, title in enumerate(titles)]
    return read_posting_lists(build_posting_lists(enumerate(documents)))


def context(topic: str, *announcements: Sequence[str]) -> TopicContext | None:
    """The topic's context, from the titles of announcements, newest first, and others in the newest."""
    titles = [[*announcements[0], *OTHERS], *announcements[1:]]
    counted = word_counts.count(Record(title, "") for day in titles for title in day)
    return ContextSearch([posting_lists(day) for day in titles], Weights(counted), window=14).context(topic)


def words(topic: str, *announcements: Sequence[str]) -> set[str]:
    topic_context = context(topic, *announcements)
    return set(topic_context.weights) if topic_context else set()


def test_the_context_has_the_words_beside_the_topic_but_not_its_own() -> None:
    assert words("error codes", ["Error codes for qubits"] * 5) == {"qubit", "for"}


def test_papers_of_earlier_announcements_count() -> None:
    assert "qubit" in words("error codes", ["Error codes for qubits"] * 2, ["Error codes for qubits"] * 3)


def test_with_five_papers_as_written_those_with_the_words_apart_do_not_count() -> None:
    assert "merchant" not in words("error codes", ["Error codes for qubits"] * 5 + ["Codes of error, merchants"] * 5)


def test_with_fewer_than_five_papers_as_written_those_with_all_words_count() -> None:
    assert "merchant" in words("error codes", ["Error codes for qubits"] * 4 + ["Codes of error, merchants"] * 4)


@pytest.mark.parametrize("topic", ["stars for cells", "B-cells"])
def test_papers_with_all_words_of_a_topic_do_not_count_where_these_often_meet(topic: str) -> None:
    assert context(topic, ["For stars: merchants and cells"] * 4) == TopicContext({})


def test_a_topic_of_two_papers_has_a_context_without_words() -> None:
    assert context("error codes", ["Error codes for qubits"] * 2) == TopicContext({})


def test_a_query_has_no_context() -> None:
    assert context("error AND codes", ["Error codes for qubits"] * 5) is None


def test_the_floor_does_not_depend_on_how_many_papers_the_topic_itself_has() -> None:
    contexts = [context("error codes", ["Error codes for qubits"] * number) for number in (5, 30)]

    assert [topic_context and topic_context.floor for topic_context in contexts] == [
        1,
        1,
    ]  # no other paper has a word of the context


@pytest.mark.parametrize("step", [2, 3])
def test_the_floor_of_many_papers_is_that_of_evenly_spread_ones(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Spread over the papers of all announcements, also where the step doesn't divide an announcement's size."""
    titles = ["Error codes for qubits"] * 5 + ["Qubits in cells", "Cells and proteins", "Stars of a cluster"] * 10
    counted = Weights(word_counts.count(Record(title, "") for title in titles))

    def topic_floor(*announcements: Sequence[str]) -> int:
        topic_context = ContextSearch([posting_lists(day) for day in announcements], counted, window=14).context(
            "error codes"
        )
        assert topic_context
        return topic_context.floor

    monkeypatch.setattr(topic_context_search, "MAX_FLOOR_PAPERS", len(titles))
    others = ["Qubits"] * (step - 1)
    with_others = list(chain.from_iterable([title, *others] for title in titles))
    announcements = [with_others[start:end] for start, end in pairwise([0, 7, 18, 21, 34, len(with_others)])]

    assert topic_floor(*announcements) == topic_floor(titles) > 1
