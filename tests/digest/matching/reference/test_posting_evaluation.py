"""Posting lists evaluate a paper as the matcher does by its text, or say that they can't."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from digest.matching.profile import Profile, Topic
from digest.matching.reference.paper_evaluation import Finding, RankedPaper, evaluate_paper
from digest.matching.reference.parsed_profile import ParsedProfile, parse_profile
from digest.matching.reference.posting_cache import PostingCache
from digest.matching.reference.posting_evaluation import PostingEvaluation
from digest.matching.reference.posting_lists import build_posting_lists, read_posting_lists
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.papers import Record
from tests.digest.matching.profiles import RandomProfiles, candidates

WEIGHTS = Weights(word_counts.prior())
TEXTS = (
    ("Graph neural networks", "We learn graphs. Neural networks for graphs learn."),
    ("Learning graphs", "Neural graph networks, and a survey of networks of neural graphs."),
    ("A survey", "Graph neural network surveys; diffusion models."),
    ("Diffusion models for graph learning", "Diffusion of models. Learning to learn on graphs."),
    ("Models", "Learning the graph neural networks way: " + 70 * "x"),
)
WORDS = ("graph", "neural", "protein", "folding", "diffusion", "bridge", "auction", "of", "multi-agent", "learning")
RECORDS = [
    Record(title, abstract, authors=("Ada Byron",), categories=("cs.LG",) if place % 2 else ("math.OC", "cs.LG"))
    for place, (title, abstract) in enumerate(TEXTS)
]


def random_records(count: int) -> list[Record]:
    """Papers of few words, so that phrases and queries of these often match."""
    chooser = Random(3)
    return [
        Record(
            " ".join(chooser.choices(WORDS, k=5)), " ".join(chooser.choices(WORDS, k=30)),
            authors=("Ada Byron",), categories=(chooser.choice(("cs.LG", "math.OC")),),
            code_url="https://code.example" if chooser.random() < 0.2 else None,
        )
        for _ in range(count)
    ]  # fmt: skip


def cache_of(documents: Sequence[Document]) -> PostingCache:
    half = len(documents) // 2
    parts = documents[:half], documents[half:]
    return PostingCache(
        read_posting_lists(build_posting_lists((document.candidate.id, document) for document in part))
        for part in parts
    )


def comparable(parsed: ParsedProfile, finding: Finding) -> tuple[object, ...]:
    """All that decides about a paper, its order and its reasons."""
    positions = sorted(finding.strict_positions)
    vector = finding.text.vector(WEIGHTS)
    gains = replace(finding.topic_gains, gains=dict(sorted(finding.gains.items())))
    in_title = [position for position in positions if finding.text.has_in_title(position)]
    impacts = {stem: vector.impact(stem) for stem in vector.tf}
    return finding.paper, positions, in_title, gains, finding.score, finding.followed, impacts, vector.length


def compare(profile: Profile, documents: Sequence[Document]) -> tuple[int, int]:
    """How many papers posting lists decide, and how many of these match as written."""
    parsed = parse_profile(profile, WEIGHTS)
    evaluation = PostingEvaluation(parsed, WEIGHTS, cache_of(documents))
    decided = written = 0
    for number, document in enumerate(documents):
        if document.candidate.people or profile.authors or not evaluation.decides(number):
            continue
        expected = evaluate_paper(parsed, document, WEIGHTS)
        finding = evaluation.evaluate(number, RankedPaper.from_candidate(document.candidate))
        assert comparable(parsed, finding) == comparable(parsed, expected), (profile, document.candidate.id)
        assert not any(excludes(document) for excludes in parsed.exclusions) or number in evaluation.excluded
        decided, written = decided + 1, written + bool(finding.strict_positions)
    return decided, written


@pytest.mark.parametrize(
    ("topics", "decided", "written"),
    [
        (("graph neural networks",), 4, 2),
        (("learning", "neural graphs"), 4, 3),
        (("ti:learning OR abs:models", "diffusion models"), 4, 3),
        (('"graph neural network" ANDNOT survey',), 4, 1),
        (("cat:math.OC AND graphs",), 4, 2),
        (("au:Byron AND graphs",), 0, 0),
        (("diffus*",), 2, 0),
        (('all:"diffusion models"', "graphs"), 2, 2),
    ],
)
def test_papers_are_evaluated_by_lists_where_these_tell_enough(
    topics: tuple[str, ...], decided: int, written: int
) -> None:
    documents = [prepare_document(candidate) for candidate in candidates(RECORDS)]

    assert compare(Profile(tuple(map(Topic, topics)), likes=(("learn", 9),)), documents) == (decided, written)


def test_random_profiles_are_evaluated_alike() -> None:
    records = random_records(120)
    documents = [prepare_document(candidate) for candidate in candidates(records)]
    make = RandomProfiles(records, seed=29)

    counts = [compare(replace(make.profile(), authors=(), examples=None), documents) for _ in range(60)]

    assert sum(decided for decided, _ in counts) > sum(written for _, written in counts) > 100
