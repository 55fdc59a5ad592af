"""The engine gives the reference's answers where much matches: common words, broad topics, small limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from digest.matching.profile import Candidate, Profile, Topic
from digest.papers import Record
from tests.digest.matching.engine.test_engine_matcher import engine, real, slow
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
    papers = [replace(one, trending=37 * n % 101) for n, one in enumerate(candidates(real(shared, 120)))]
    reader = replace(BROAD, limit=limit, likes=likes)

    assert engine([reader], papers, 20_000) == slow([reader], papers, 20_000)


def test_very_many_common_words_add_up(shared: Path) -> None:
    papers = candidates(real(shared, 120))
    once = Profile(tuple(map(Topic, COMMON)), limit=50)
    often = Profile((*once.topics, Topic("learning model"), Topic("data learning"), Topic("learning task")), limit=50)
    alike = Profile((Topic(" ".join(COMMON)), Topic("learning")), limit=50)

    assert engine([once, often, alike], papers, 0) == slow([once, often, alike], papers, 0)


def test_equal_scores_come_newest_first_then_by_number() -> None:
    papers = [Candidate(n, Record("A protein"), 1 + n % 3) for n in range(200)]
    reader = Profile((Topic("protein"),))

    assert engine([reader], papers, 0) == slow([reader], papers, 0)


def test_a_few_that_were_sent_make_room_for_the_next(shared: Path) -> None:
    papers = candidates(real(shared, 120))
    (first,) = engine([BROAD], papers, 0)
    sent = [frozenset(one.paper for one in first[:6])]

    assert engine([BROAD], papers, 0, sent) == slow([BROAD], papers, 0, sent)
