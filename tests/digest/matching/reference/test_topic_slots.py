"""A topic that stands in titles and would get too little takes the last slot of a topic that has several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.matching.engine.engine_matcher import PaperFacts, build_matcher
from digest.matching.engine.paper_index import build_index
from digest.matching.profile import Candidate, Match, Profile, Topic
from digest.matching.reference import reference_matcher
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.papers import Record

pytestmark = pytest.mark.usefixtures("kernel")
PRIOR = Weights(word_counts.prior())
Matcher = Callable[[Profile, Sequence[Candidate]], list[Match]]


def by_engine(profile: Profile, papers: Sequence[Candidate]) -> list[Match]:
    facts = PaperFacts(
        np.array([paper.announcement for paper in papers], np.int64),
        np.array([paper.trending for paper in papers], np.int32),
    )
    matcher = build_matcher([profile], [build_index((paper.id, paper.record) for paper in papers)], PRIOR)
    return matcher.match(facts, taus=[0]).matches(0, profile)


def by_reference(profile: Profile, papers: Sequence[Candidate]) -> list[Match]:
    return reference_matcher.match(profile, papers, PRIOR, tau=0)


both = pytest.mark.parametrize("matcher", [by_engine, by_reference])


def topics(*texts: str, limit: int = 10, authors: tuple[str, ...] = ()) -> Profile:
    return Profile(topics=tuple(Topic(text) for text in texts), limit=limit, authors=authors)


def papers(*records: Record) -> list[Candidate]:
    return [Candidate(number, record, 1) for number, record in enumerate(records, 1)]


def cached(number: int) -> list[Record]:
    """Papers that have two topics' phrases in their titles."""
    return [
        Record(f"KV cache and speculative decoding {n}", "A KV cache for speculative decoding.") for n in range(number)
    ]


def numbers(matches: Sequence[Match]) -> list[int]:
    return [match.paper for match in matches]


@both
def test_a_topic_in_a_title_gets_the_last_slot_of_a_topic_that_has_several(matcher: Matcher) -> None:
    profile = topics("KV cache", "quantization", limit=3)
    matches = matcher(
        profile, papers(*cached(4), Record("Quantization of weights"), Record("Quantization of graph networks"))
    )

    assert numbers(matches) == [1, 2, 5]
    assert matches[-1].matched == ((1, ("quantization",)),)


@both
def test_a_topic_that_stands_only_in_an_abstract_gets_no_slot_by_that(matcher: Matcher) -> None:
    profile = topics("KV cache", "quantization", limit=3)

    assert numbers(matcher(profile, papers(*cached(4), Record("Weights", "We use quantization.")))) == [1, 2, 3]


@both
def test_a_topic_with_a_single_slot_keeps_it(matcher: Matcher) -> None:
    profile = topics("KV cache", "speculative decoding", "quantization", limit=2)
    records = [Record("KV cache"), Record("Speculative decoding"), Record("Quantization of weights in long papers")]

    assert numbers(matcher(profile, papers(*records))) == [1, 2]


@both
def test_the_only_title_of_another_topic_keeps_its_slot(matcher: Matcher) -> None:
    profile = topics("KV cache", "decoding", "quantization", limit=2)
    records = [
        Record("KV cache, KV cache", "KV cache"),
        Record("KV cache of decoding"),
        Record("Quantization of all weights"),
    ]

    assert numbers(matcher(profile, papers(*records))) == [2, 3]


@both
def test_a_query_in_a_title_gets_a_slot_where_it_holds(matcher: Matcher) -> None:
    profile = topics("KV cache", "quantization ANDNOT image", limit=3)
    records = [Record("Quantization", "Of an image."), Record("Quantization of weights")]

    assert numbers(matcher(profile, papers(*cached(4), *records))) == [1, 2, 6]


@both
def test_a_topic_in_the_title_of_a_followed_author_needs_no_slot(matcher: Matcher) -> None:
    profile = topics("KV cache", "quantization", limit=3, authors=("Ada Byron",))
    records = [Record("Quantization again"), Record("Quantization of weights", authors=("Ada Byron",))]

    assert numbers(matcher(profile, papers(*cached(3), *records))) == [5, 1, 2]


@both
def test_a_slot_given_to_a_topic_respects_the_caps(matcher: Matcher) -> None:
    profile = Profile(topics=(Topic("KV cache", cap=1), Topic("speculative decoding"), Topic("quantization")), limit=3)
    records = [
        Record("KV cache", "KV cache"),
        *(Record(f"Speculative decoding {n}", "Speculative decoding.") for n in range(3)),
        Record("Quantization of the KV cache", "Much else is said here. " * 50),
        Record("Quantization in a very long title of many words"),
    ]

    assert numbers(matcher(profile, papers(*records))) == [1, 2, 6]


@both
def test_each_topic_left_out_gets_a_slot_while_there_are_several(matcher: Matcher) -> None:
    profile = topics("KV cache", "quantization", "mixture of experts", "pruning", limit=4)
    records = [*cached(6), Record("Quantization"), Record("Pruning"), Record("A mixture of experts")]

    assert sorted(numbers(matcher(profile, papers(*records)))) == [1, 7, 8, 9]


@both
def test_a_topic_gets_its_first_two_titles_where_there_is_room_for_two_of_each(matcher: Matcher) -> None:
    profile = topics("KV cache", "quantization", limit=4)
    records = [*cached(6), *(Record(f"Quantization in a title {word}") for word in ("first", "second", "third"))]

    assert numbers(matcher(profile, papers(*records))) == [1, 2, 7, 8]


@both
def test_a_topic_gets_one_title_where_there_is_no_room_for_two_of_each(matcher: Matcher) -> None:
    profile = topics("KV cache", "quantization", limit=3)
    records = [*cached(6), *(Record(f"Quantization in a title {word}") for word in ("first", "second", "third"))]

    assert numbers(matcher(profile, papers(*records))) == [1, 2, 7]


@both
def test_a_muted_topic_takes_no_room(matcher: Matcher) -> None:
    profile = topics("KV cache", "quantization", limit=4)
    profile = replace(profile, topics=(*profile.topics, Topic("pruning", muted=True)))
    records = [*cached(6), Record("Quantization in a title first"), Record("Quantization in a title second")]

    assert numbers(matcher(profile, papers(*records))) == [1, 2, 7, 8]


@both
def test_a_query_gets_its_first_two_titles(matcher: Matcher) -> None:
    profile = topics("KV cache", "quantization OR pruning", limit=4)
    records = [*cached(6), Record("Quantization in a title first"), Record("Pruning in a title"), Record("Pruning it")]

    assert len(set(numbers(matcher(profile, papers(*records)))) - {1, 2, 3, 4, 5, 6}) == 2


WORDS = st.sampled_from(["graph", "neural", "network", "protein", "learning", "of", "cache"])
TEXTS = st.lists(WORDS, max_size=5).map(" ".join)
RECORDS = st.builds(
    Record,
    title=TEXTS,
    abstract=TEXTS,
    authors=st.sampled_from([(), (), (), ("Ada Byron",)]),
    categories=st.sampled_from([("cs.LG",), ("math.CO",)]),
)
TOPICS = st.builds(
    Topic,
    text=st.sampled_from(
        (
            *("graph", "neural", "neural network", "protein", "learning", "cache", "ti:graph", "all:protein", "graph*"),
            *("abs:cache", "protein OR cache", "learning ANDNOT graph", "au:byron OR graph", "cat:math AND network"),
        )
    ),
    cap=st.sampled_from([None, None, 1, 2]),
    muted=st.sampled_from([False, False, False, False, True]),
)
PROFILES = st.builds(
    Profile,
    topics=st.lists(TOPICS, min_size=2, max_size=6).map(tuple),
    limit=st.integers(1, 12),
    authors=st.sampled_from([(), ("Ada Byron",)]),
    categories=st.sampled_from([(), (), ("cs.LG",)]),
)


@settings(max_examples=100, deadline=None)
@given(PROFILES, st.lists(RECORDS, min_size=5, max_size=30), st.sampled_from([1, 1, 4]))
def test_slots_are_given_alike_by_both(profile: Profile, records: list[Record], times: int) -> None:
    records = times * records  # more than the 64 of a machine word
    candidates = [Candidate(3 * n + 1, record, 1 + n % 2, 31 * n % 101) for n, record in enumerate(records)]

    assert by_engine(profile, candidates) == by_reference(profile, candidates)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(WORDS.filter("of".__ne__), min_size=2, max_size=5, unique=True), st.lists(RECORDS, min_size=5, max_size=20)
)
def test_a_topic_in_a_title_is_left_out_only_where_no_paper_can_go(words: list[str], records: list[Record]) -> None:
    """Those stay that are the only one of their topic, or the only one with another topic in the title."""
    matches = by_reference(topics(*words, limit=len(words)), papers(*records))
    selected = set(numbers(matches))
    titles = {word: {paper.id for paper in papers(*records) if word in paper.record.title.split()} for word in words}
    slots = Counter(match.topic for match in matches)
    needed = {paper for in_title in titles.values() if len(in_title & selected) == 1 for paper in in_title & selected}

    if any(in_title and not in_title & selected for in_title in titles.values()):
        assert all(slots[match.topic] == 1 or match.paper in needed for match in matches)
