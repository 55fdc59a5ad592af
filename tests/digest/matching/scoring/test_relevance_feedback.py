"""Relevance feedback: what likes add to a score, and its limits."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from digest.matching.profile import Candidate, Profile, Topic
from digest.matching.reference.reference_matcher import match, match_all
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.parameters import TOPIC_WEIGHT
from digest.matching.scoring.relevance_feedback import (
    FULL_WEIGHT_LIKES,
    MAX_WORDS,
    SHRINK,
    word_weights,
)
from digest.papers import Record
from digest.text.word_tables import STOP_WORDS

VOCABULARY = (
    "diffusion",
    "protein",
    "offline",
    "learning",
    "graph",
    "robust",
    "the",
    "of",
    "kernel",
    "folding",
    "bounds",
)
WEIGHTS = Weights(word_counts.prior())
PROFILE = Profile(topics=(Topic("offline learning"), Topic("protein folding")))

texts = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=12).map(" ".join)
records = st.builds(Record, title=texts, abstract=texts)
profiles = st.lists(st.tuples(st.sampled_from(VOCABULARY), st.integers(1, FULL_WEIGHT_LIKES)), max_size=MAX_WORDS).map(
    lambda words: replace(PROFILE, likes=tuple(dict(words).items()))
)


def candidates(papers: list[Record]) -> list[Candidate]:
    return [Candidate(number, paper, announcement=number // 3) for number, paper in enumerate(papers)]


@given(st.lists(records, max_size=8))
def test_likes_are_few_words_of_bounded_weight(liked: list[Record]) -> None:
    words = word_weights(liked, WEIGHTS)

    assert len(words) <= MAX_WORDS
    assert all(0 < weight <= FULL_WEIGHT_LIKES * len(liked) / (len(liked) + SHRINK) for _, weight in words)
    assert len({stem for stem, _ in words}) == len(words)
    assert not STOP_WORDS & {stem for stem, _ in words}


@given(st.lists(records, min_size=1, max_size=6), st.randoms())
def test_the_order_of_likes_does_not_matter(liked: list[Record], random: object) -> None:
    shuffled = sorted(liked, key=lambda _: random.random())  # type: ignore[attr-defined]

    assert word_weights(shuffled, WEIGHTS) == word_weights(liked, WEIGHTS)


@given(records, st.integers(1, 20))
def test_more_likes_of_one_kind_never_weigh_less(liked: Record, number: int) -> None:
    fewer, more = dict(word_weights([liked] * number, WEIGHTS)), dict(word_weights([liked] * (number + 1), WEIGHTS))

    assert all(more[stem] >= weight for stem, weight in fewer.items())


def test_without_likes_there_are_no_words() -> None:
    assert word_weights([], WEIGHTS) == ()


def test_five_likes_weigh_like_a_word_of_a_topic() -> None:
    assert word_weights([Record("Protein diffusion")] * 5, WEIGHTS)[0][1] == TOPIC_WEIGHT


@given(st.lists(records, max_size=12), profiles)
def test_likes_never_change_what_matches(papers: list[Record], profile: Profile) -> None:
    plain = match_all(PROFILE, candidates(papers), WEIGHTS, tau=None)
    lifted = match_all(profile, candidates(papers), WEIGHTS, tau=None)

    assert {(m.paper, m.relevance, m.matched, m.mask, m.topic) for m in lifted} == {
        (m.paper, m.relevance, m.matched, m.mask, m.topic) for m in plain
    }


@given(st.lists(records, max_size=12), profiles)
def test_likes_at_most_double_a_score_and_never_lower_it(papers: list[Record], profile: Profile) -> None:
    for paper_match in match_all(profile, candidates(papers), WEIGHTS, tau=None):
        assert paper_match.relevance <= paper_match.score <= 2 * paper_match.relevance


def test_a_paper_like_those_liked_comes_first() -> None:
    papers = [Record("Offline learning of graphs"), Record("Offline learning with diffusion")]
    liked = replace(
        PROFILE, likes=word_weights([Record("Diffusion for proteins"), Record("Diffusion at scale")], WEIGHTS)
    )

    assert [m.paper for m in match(PROFILE, candidates(papers), WEIGHTS, tau=None)] == [0, 1]
    assert [m.paper for m in match(liked, candidates(papers), WEIGHTS, tau=None)] == [1, 0]


def test_a_paper_that_matches_nothing_is_not_lifted_in() -> None:
    liked = replace(PROFILE, likes=(("diffus", FULL_WEIGHT_LIKES),))

    assert match(liked, candidates([Record("Diffusion diffusion")]), WEIGHTS, tau=None) == []


@given(profiles)
def test_a_profile_keeps_its_likes_when_stored(profile: Profile) -> None:
    assert Profile.from_json(profile.to_json()) == profile
