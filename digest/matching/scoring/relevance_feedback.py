"""Likes: a few weighted words of liked papers (Rocchio's rule, with shrinkage), which raise the score of similar ones.

They only affect papers that match already, and at most double a paper's relevance. "Less" has no weights: it mutes the
topic or excludes the author that the subscriber names (`services/subscriptions/feedback.py`).

Pseudo-relevance feedback (words of a profile's best papers instead of likes) lowered recall on every label set
(docs/MATCHING.md, "Likes").
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from digest.matching.profile import Candidate
from digest.matching.scoring.bm25 import Weights, impact
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.scoring.parameters import TOPIC_WEIGHT
from digest.papers import Record
from digest.text.tokens import is_weighted

MAX_WORDS = 20  # words in a profile's likes
SHRINK = 5  # with this number of likes, half of the full weight applies
FULL_WEIGHT_LIKES = 2 * TOPIC_WEIGHT  # the limit of the best word's weight as likes increase
MAX_LIKES = 100  # the newest likes that count


def word_weights(liked: Sequence[Record | Document], weights: Weights) -> tuple[tuple[str, int], ...]:
    """The words of liked papers, (stem, weight), the heaviest first; `liked` has the newest like first.

    Of every paper the words' impacts, brought to length one, are added up: r. The 20 words with the largest r weigh
    ⌊32 · n/(n+5) · r/r_max⌋, n the number of likes: five likes make the best word weigh like a word of one topic.
    """
    papers = [
        prepare_document(Candidate(0, paper, 0)) if isinstance(paper, Record) else paper for paper in liked[:MAX_LIKES]
    ]
    return _heaviest_words(
        [shares(document, weights) for document in papers], FULL_WEIGHT_LIKES * len(papers), len(papers) + SHRINK
    )


def shares(document: Document, weights: Weights) -> dict[str, int]:
    """The impacts of a paper's words as a unit vector, in millionths."""
    impacts = _impacts(document, weights)
    length = math.hypot(*impacts.values())
    return {stem: round(1_000_000 * value / length) for stem, value in impacts.items()}


def _heaviest_words(
    papers: Sequence[Mapping[str, int]], numerator: int, denominator: int
) -> tuple[tuple[str, int], ...]:
    """The 20 words with the largest sum r; they weigh ⌊numerator · r / (denominator · r_max)⌋."""
    sums: Counter[str] = Counter()
    for paper in papers:
        sums.update(paper)
    best = sorted(sums, key=lambda stem: (-sums[stem], stem))[:MAX_WORDS]
    weighed = [(stem, numerator * sums[stem] // (denominator * sums[best[0]])) for stem in best]
    return tuple((stem, weight) for stem, weight in weighed if weight > 0)


def lift(shared_impacts: Iterable[int], relevance: int) -> int:
    """What likes add to a matching paper: the impacts of the shared words, at most its relevance."""
    return min(sum(shared_impacts), relevance)


def _impacts(document: Document, weights: Weights) -> dict[str, int]:
    """The impacts of a paper's weighted words."""
    norm = weights.norm(document.length)
    stems = {token.stem for token in (*document.title.tokens, *document.abstract.tokens) if is_weighted(token.word)}
    impacts = {stem: impact(weights.idf(stem), document.tf[stem], norm) for stem in stems}
    return {stem: value for stem, value in impacts.items() if value > 0}
