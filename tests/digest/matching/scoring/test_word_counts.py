"""Word counts and thresholds."""

from __future__ import annotations

import lzma
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import BadInput
from digest.matching.profile import Candidate, Counts, Profile, Topic
from digest.matching.reference.close_threshold import close_threshold
from digest.matching.reference.reference_matcher import match_all
from digest.matching.scoring import word_counts
from digest.papers import Record
from digest.text.tokens import TERM_RULES

PROFILE = Profile(topics=(Topic("graph neural network"),))
DF = st.dictionaries(st.text("abcß深+#2.", min_size=1, max_size=6), st.integers(1, 10**6), max_size=20)


def days(number: int, *, papers: int = 10) -> list[Candidate]:
    """Papers that hold the topic's words apart, one of each length, so every relevance is another."""
    titles = ["Neural network of a graph" + " with more" * n for n in range(number * papers)]
    return [Candidate(n, Record(title), 1 + n % number) for n, title in enumerate(titles)]


def test_counts_say_in_how_many_papers_a_stem_is() -> None:
    counts = word_counts.count([Record("Graphs and a graph", "A graph."), Record("Models")], announcements=2)

    assert (counts.papers, counts.average_length, counts.announcements) == (2, 3.5, 2)
    assert (counts.df["graph"], counts.df["model"]) == (1, 1)


def test_no_papers_count_nothing() -> None:
    assert word_counts.count([]) == Counts(0, 0.0, {}, 0)


@given(st.integers(0, 10**7), st.integers(0, 10**6), DF, st.integers(0, 10**4))
def test_unpacking_is_the_inverse_of_packing(papers: int, milli: int, df: dict[str, int], announcements: int) -> None:
    counts = Counts(papers, milli / 1000, df, announcements)

    assert word_counts.unpack(word_counts.pack(counts)) == counts


@pytest.mark.parametrize("packed", [b"", b"nonsense", word_counts.pack(Counts(1, 1.0, {"a": 1}))[:-9]])
def test_cut_counts_are_refused(packed: bytes) -> None:
    with pytest.raises(BadInput, match="word counts"):
        word_counts.unpack(packed)


def test_the_shipped_counts_have_the_stems_of_today() -> None:
    packed = (files("digest.matching") / "prior.bin").read_bytes()

    assert word_counts.packed_rules(packed) == TERM_RULES


def test_counts_that_do_not_name_their_rules_are_those_of_the_first_release() -> None:
    packed = lzma.compress(b'{"papers": 1, "average_length_milli": 1000, "announcements": 1}\na\n1')

    assert word_counts.packed_rules(packed) < TERM_RULES
    assert word_counts.unpack(packed).df == {"a": 1}


@pytest.mark.parametrize("packed", [b"", b"nonsense", lzma.compress(b"[]"), lzma.compress(b"[]\n")])
def test_rules_of_damaged_counts_are_refused(packed: bytes) -> None:
    with pytest.raises(BadInput, match="word counts"):
        word_counts.packed_rules(packed)


def test_the_shipped_counts_know_english_science() -> None:
    prior = word_counts.prior()

    assert prior.papers > 50_000
    assert 80 < prior.average_length < 250
    assert prior.df["learn"] > prior.df["bayesian"] > prior.df["schroding"] > 0


def test_young_counts_are_added_to_the_shipped_ones() -> None:
    counts = Counts(10, 1000.0, {"learn": 10, "unheardof": 3}, announcements=2)
    both = word_counts.blend(counts)

    assert both.papers == word_counts.prior().papers + 10
    assert both.df["learn"] == word_counts.prior().df["learn"] + 10
    assert (both.df["unheardof"], both.announcements) == (3, 2)


def test_grown_counts_stand_alone() -> None:
    counts = Counts(2000, 150.0, {"learn": 900}, announcements=14)

    assert word_counts.blend(counts) is counts


def test_fewer_than_fourteen_announcements_give_no_threshold() -> None:
    assert close_threshold(PROFILE, days(13), word_counts.prior()) is None


def test_the_threshold_lets_seventy_papers_of_fourteen_announcements_pass() -> None:
    titles = ["Homology of a manifold" + " with more" * n for n in range(140)]
    candidates = [Candidate(n, Record(title), 1 + n % 14) for n, title in enumerate(titles)]
    profile = Profile((Topic("manifold homology"),))  # rare words: the threshold decides, not the floor
    tau = close_threshold(profile, candidates, word_counts.prior())

    assert tau
    assert len(match_all(profile, candidates, word_counts.prior(), tau=tau)) == 70


def test_a_high_minimum_lets_fourteen_pass() -> None:
    candidates, profile = days(14), replace(PROFILE, minimum="high")
    tau = close_threshold(profile, candidates, word_counts.prior())

    assert len(match_all(profile, candidates, word_counts.prior(), tau=tau)) == 14


def test_strict_and_forbidden_papers_do_not_move_the_threshold() -> None:
    candidates = days(14)
    more = [Candidate(n, Record("Graph neural network"), 3) for n in range(1000, 1100)]
    other = [Candidate(n, Record("Graph network, neural survey"), 3) for n in range(2000, 2100)]
    profile = Profile(PROFILE.topics, exclusions=("survey",))
    tau = close_threshold(profile, candidates + more + other, word_counts.prior())

    assert tau == close_threshold(profile, candidates, word_counts.prior())


def test_few_papers_have_the_threshold_zero() -> None:
    assert close_threshold(PROFILE, days(14, papers=2), word_counts.prior()) == 0
