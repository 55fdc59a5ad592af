"""The engine gives the reference's answers where much matches: common words, broad topics, small limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from digest.matching.profile import Candidate, Profile, Topic
from digest.papers import Record
from tests.digest.matching.engine.test_engine_matcher import engine_matches, real_papers, reference_matches
from tests.digest.matching.profiles import candidates

pytestmark = pytest.mark.usefixtures("kernel")
COMMON = (
    "learning",
    "model",
    "data",
    "network",
    "method",
    "result",
    "approach",
    "based",
    "task",
    "training",
    "problem",
)
BROAD = Profile((Topic("learning"), Topic("model*"), Topic('data OR method OR "neural network"')))


@pytest.mark.parametrize("limit", [0, 1, 10, 16, 17, 100])
@pytest.mark.parametrize("likes", [(), (("robot", 30), ("learn", 20))])
def test_of_many_matches_the_best_are_returned(shared: Path, limit: int, likes: tuple[tuple[str, int], ...]) -> None:
    papers = [
        replace(candidate, trending=37 * n % 101) for n, candidate in enumerate(candidates(real_papers(shared, 120)))
    ]
    limited_profile = replace(BROAD, limit=limit, likes=likes)

    assert engine_matches([limited_profile], papers, 20_000) == reference_matches([limited_profile], papers, 20_000)


def test_very_many_common_words_add_up(shared: Path) -> None:
    papers = candidates(real_papers(shared, 120))
    few_topics = Profile(tuple(map(Topic, COMMON)), limit=50)
    repeated_words = Profile(
        (*few_topics.topics, Topic("learning model"), Topic("data learning"), Topic("learning task")), limit=50
    )
    all_in_one = Profile((Topic(" ".join(COMMON)), Topic("learning")), limit=50)

    assert engine_matches([few_topics, repeated_words, all_in_one], papers, 0) == reference_matches(
        [few_topics, repeated_words, all_in_one], papers, 0
    )


def test_equal_scores_come_newest_first_then_by_number() -> None:
    papers = [Candidate(n, Record("A protein"), 1 + n % 3) for n in range(200)]
    short_profile = Profile((Topic("protein"),))

    assert engine_matches([short_profile], papers, 0) == reference_matches([short_profile], papers, 0)


def test_a_few_that_were_sent_make_room_for_the_next(shared: Path) -> None:
    papers = candidates(real_papers(shared, 120))
    (first,) = engine_matches([BROAD], papers, 0)
    sent = [frozenset(paper_match.paper for paper_match in first[:6])]

    assert engine_matches([BROAD], papers, 0, sent) == reference_matches([BROAD], papers, 0, sent)
