"""The cache of looked-up posting lists answers as the lists do, and looks a topic up once for all profiles."""

from __future__ import annotations

import pytest

from digest.matching.profile import Candidate
from digest.matching.query.language import parse
from digest.matching.reference.posting_cache import PostingCache
from digest.matching.reference.posting_lists import PostingLists, build_posting_lists, read_posting_lists
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import prepare_document
from digest.matching.scoring.index_terms import IndexQuery, lookup
from digest.papers import Record

DAYS = (
    (Record("Graph neural networks", "A survey of graphs."), Record("Offline reinforcement learning", "No graph.")),
    (Record("Bandits", "Without graphs."), Record("Convex sets", "Geometry.")),
)


def posting_lists() -> list[PostingLists]:
    return [
        read_posting_lists(
            build_posting_lists((n, prepare_document(Candidate(n, record, 0))) for n, record in enumerate(day))
        )
        for day in DAYS
    ]


def query_of(text: str) -> IndexQuery:
    return lookup(parse(text).root).query


@pytest.mark.parametrize("text", ["graph", "graph*", "graph neural network", "bandits ANDNOT graph", "zzz"])
def test_a_query_finds_what_it_finds_in_each_list(text: str) -> None:
    days = posting_lists()

    cache = PostingCache(days)
    numbers = cache.find(query_of(text))

    assert numbers == {cache.start_of[lists] + number for lists in days for number in lists.find(query_of(text))}


@pytest.mark.parametrize("stem", ["graph", "bandit", "zzz"])
def test_a_stem_has_the_frequencies_that_it_has_in_each_list(stem: str) -> None:
    days = posting_lists()

    cache = PostingCache(days)
    frequencies = cache.frequencies(stem)

    of_days = [(cache.start_of[lists] + number, tf) for lists in days for number, tf in lists.frequencies(stem).items()]
    assert frequencies == dict(of_days)


def test_only_a_topic_that_is_new_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[IndexQuery] = []
    find = PostingLists.find
    cache = PostingCache(posting_lists()[:1])
    first, added = query_of("graph"), query_of("bandits")
    cache.find(first)

    monkeypatch.setattr(PostingLists, "find", lambda lists, query: queries.append(query) or find(lists, query))  # type: ignore[func-returns-value]
    for query in (first, added, first):
        cache.find(query)

    assert queries == [added]


def test_a_word_that_topics_share_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[IndexQuery] = []
    find = PostingLists.find
    cache = PostingCache(posting_lists()[:1])
    cache.find(query_of("graph network"))

    monkeypatch.setattr(PostingLists, "find", lambda lists, query: queries.append(query) or find(lists, query))  # type: ignore[func-returns-value]
    cache.find(query_of("graph learning"))

    assert query_of("graph") not in queries


def test_norms_are_those_of_the_papers_lengths() -> None:
    days = posting_lists()
    weights = Weights(word_counts.prior())

    norms = PostingCache(days).norms(weights)

    assert list(norms) == [weights.norm(length) for lists in days for length in lists.lengths]


def test_a_number_leads_to_its_announcement_and_paper() -> None:
    days = posting_lists()
    cache = PostingCache(days)

    places = [(cache.lists_of(number), cache.ids[number]) for number in range(len(cache.ids))]

    assert places == [(lists, paper_id) for lists in days for paper_id in lists.ids]
