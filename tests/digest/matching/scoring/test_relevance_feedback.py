"""Likes as rule: what they add, and all that they can't do."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from digest.matching.profile import Candidate, Profile, Topic
from digest.matching.reference.reference_matcher import match, matches
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import ONE, Weights
from digest.matching.scoring.boolean_match import prepare
from digest.matching.scoring.relevance_feedback import (
    ASSUMED,
    BEST,
    FULL,
    SHRINK,
    WORDS,
    assumed,
    faded,
    likes,
    shares,
    together,
    with_assumed,
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
profiles = st.lists(st.tuples(st.sampled_from(VOCABULARY), st.integers(1, FULL)), max_size=WORDS).map(
    lambda words: replace(PROFILE, likes=tuple(dict(words).items()))
)


def candidates(papers: list[Record]) -> list[Candidate]:
    return [Candidate(number, paper, announcement=number // 3) for number, paper in enumerate(papers)]


@given(st.lists(records, max_size=8))
def test_likes_are_few_words_of_bounded_weight(liked: list[Record]) -> None:
    words = likes(liked, WEIGHTS)

    assert len(words) <= WORDS
    assert all(0 < weight <= FULL * len(liked) / (len(liked) + SHRINK) for _, weight in words)
    assert len({stem for stem, _ in words}) == len(words)
    assert not STOP_WORDS & {stem for stem, _ in words}


@given(st.lists(records, min_size=1, max_size=6), st.randoms())
def test_the_order_of_likes_does_not_matter(liked: list[Record], random: object) -> None:
    shuffled = sorted(liked, key=lambda _: random.random())  # type: ignore[attr-defined]

    assert likes(shuffled, WEIGHTS) == likes(liked, WEIGHTS)


@given(records, st.integers(1, 20))
def test_more_likes_of_one_kind_never_weigh_less(liked: Record, number: int) -> None:
    fewer, more = dict(likes([liked] * number, WEIGHTS)), dict(likes([liked] * (number + 1), WEIGHTS))

    assert all(more[stem] >= weight for stem, weight in fewer.items())


def test_without_likes_there_are_no_words() -> None:
    assert likes([], WEIGHTS) == ()


def test_five_likes_weigh_like_a_word_of_a_topic() -> None:
    assert likes([Record("Protein diffusion")] * 5, WEIGHTS)[0][1] == ONE


@given(st.lists(records, max_size=12), profiles)
def test_likes_never_change_what_matches(papers: list[Record], profile: Profile) -> None:
    plain = matches(PROFILE, candidates(papers), WEIGHTS, tau=None)
    lifted = matches(profile, candidates(papers), WEIGHTS, tau=None)

    assert {(m.paper, m.relevance, m.matched, m.mask, m.topic) for m in lifted} == {
        (m.paper, m.relevance, m.matched, m.mask, m.topic) for m in plain
    }


@given(st.lists(records, max_size=12), profiles)
def test_likes_at_most_double_a_score_and_never_lower_it(papers: list[Record], profile: Profile) -> None:
    for found in matches(profile, candidates(papers), WEIGHTS, tau=None):
        assert found.relevance <= found.score <= 2 * found.relevance


def test_a_paper_like_those_liked_comes_first() -> None:
    papers = [Record("Offline learning of graphs"), Record("Offline learning with diffusion")]
    liked = replace(PROFILE, likes=likes([Record("Diffusion for proteins"), Record("Diffusion at scale")], WEIGHTS))

    assert [m.paper for m in match(PROFILE, candidates(papers), WEIGHTS, tau=None)] == [0, 1]
    assert [m.paper for m in match(liked, candidates(papers), WEIGHTS, tau=None)] == [1, 0]


def test_a_paper_that_matches_nothing_is_not_lifted_in() -> None:
    liked = replace(PROFILE, likes=(("diffus", FULL),))

    assert match(liked, candidates([Record("Diffusion diffusion")]), WEIGHTS, tau=None) == []


@given(profiles)
def test_a_profile_keeps_its_likes_when_stored(profile: Profile) -> None:
    assert Profile.from_json(profile.to_json()) == profile


@given(st.lists(records, max_size=BEST + 4))
def test_assumed_words_are_few_and_weigh_at_most_like_a_word_of_one_topic(best: list[Record]) -> None:
    words = assumed([shares(prepare(one), WEIGHTS) for one in candidates(best)])

    assert len(words) <= WORDS
    assert all(0 < weight <= ASSUMED * min(len(best), BEST) / BEST for _, weight in words)


@given(st.lists(records, min_size=1, max_size=6))
def test_twenty_papers_that_say_something_give_the_full_weight(best: list[Record]) -> None:
    papers = [replace(one, title=f"{one.title} folding") for one in best]
    words = assumed([shares(prepare(one), WEIGHTS) for one in candidates(papers)] * BEST)

    assert words[0][1] == ASSUMED


def test_words_of_likes_and_assumed_ones_add_up() -> None:
    added = together((("graph", 5), ("kernel", 7)), (("graph", 4),))

    assert added == (("graph", 9), ("kernel", 7))


weighed = st.lists(st.tuples(st.sampled_from(VOCABULARY), st.integers(1, ASSUMED)), max_size=WORDS).map(
    lambda words: tuple(dict(words).items())
)


@given(weighed, records, st.integers(0, 30))
def test_the_more_is_liked_the_less_is_assumed(words: tuple[tuple[str, int], ...], liked: Record, number: int) -> None:
    fewer = dict(faded(words, likes([liked] * number, WEIGHTS)))
    more = dict(faded(words, likes([liked] * (number + 1), WEIGHTS)))

    assert all(more.get(stem, 0) <= weight for stem, weight in fewer.items())
    assert set(more) <= set(fewer) <= set(dict(words))


def test_without_likes_what_is_assumed_counts_in_full() -> None:
    assert with_assumed(PROFILE, (("graph", 16), ("kernel", 3))).likes == (("graph", 16), ("kernel", 3))


def test_from_five_likes_on_they_outweigh_what_is_assumed() -> None:
    liked = likes([Record("Protein diffusion")] * 5, WEIGHTS)

    assert faded((("graph", ASSUMED),), liked)[0][1] == ASSUMED // 2 < liked[0][1]


@given(st.lists(records, max_size=12), profiles, weighed)
def test_assumed_words_never_change_what_matches_nor_lower_a_score(
    papers: list[Record], profile: Profile, words: tuple[tuple[str, int], ...]
) -> None:
    plain = {m.paper: m for m in matches(profile, candidates(papers), WEIGHTS, tau=None)}
    lifted = {m.paper: m for m in matches(with_assumed(profile, words), candidates(papers), WEIGHTS, tau=None)}

    assert lifted.keys() == plain.keys()
    assert all(m.relevance <= lifted[paper].score <= 2 * m.relevance for paper, m in plain.items())
