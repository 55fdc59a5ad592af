"""The bounds by posting lists are never less than the similarity to example papers, and mostly the same."""

from __future__ import annotations

import random

from digest.matching.profile import Candidate, Profile
from digest.matching.reference.example_bounds import ExampleBounds
from digest.matching.reference.parsed_profile import parse_profile
from digest.matching.reference.posting_lists import build_posting_lists, read_posting_lists
from digest.matching.reference.reference_matcher import non_strict_relevances
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import prepare_document
from digest.matching.scoring.example_vectors import example_terms
from digest.papers import Record

WORDS = ("graph", "neural", "protein", "folding", "diffusion", "bridge", "auction", "salmon", "of", "multi-agent")
PRIOR = Weights(word_counts.prior())


def records(count: int, seed: int) -> list[Record]:
    chooser = random.Random(seed)
    return [
        Record(" ".join(chooser.choices(WORDS, k=6)), abstract=" ".join(chooser.choices(WORDS, k=30)))
        for _ in range(count)
    ]


def test_no_paper_is_more_similar_than_its_bound() -> None:
    profile = Profile(examples=example_terms(records(6, seed=1), PRIOR))
    documents = [prepare_document(Candidate(number, record, 1)) for number, record in enumerate(records(200, seed=2))]
    lists = read_posting_lists(build_posting_lists((document.candidate.id, document) for document in documents))
    bounds = ExampleBounds(parse_profile(profile, PRIOR), PRIOR).similarities(lists)
    similarities = non_strict_relevances(profile, documents, PRIOR)

    assert max(similarities) > 0
    assert all(bounds.get(number, 0) >= similarity for number, similarity in enumerate(similarities))
    assert sum(bounds.get(number, 0) == similarity for number, similarity in enumerate(similarities)) > 20
