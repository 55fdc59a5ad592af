"""Quality figures, 0 to 100: how far a paper is from its field, and one score of all that is known. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digest.matching.strict import Document
from digest.matching.weights import Weights

DAYS = 90  # of its field, that a paper's text is compared with
_NEAR = 0.92  # the likeness from which a paper is a copy: a version of another, a part twice
_TITLE = 2.0  # a word in the title says more of what a paper is about


class Field:
    """The papers of one field of the last 90 days, ready to be compared with."""

    def __init__(self, documents: Iterable[Document], weights: Weights) -> None:
        self._weights = weights
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for document in documents:
            for stem, value in _vector(document, weights).items():
                self._postings[stem].append((document.candidate.id, value))

    def likeness(self, document: Document) -> float:
        """The largest cosine of the paper's tf-idf vector with another's of the field, 0 to 1; 0 in an empty field."""
        sums: dict[int, float] = defaultdict(float)
        for stem, value in _vector(document, self._weights).items():
            for paper, other in self._postings.get(stem, ()):
                sums[paper] += value * other
        sums.pop(document.candidate.id, None)
        return max(sums.values(), default=0.0)


def _vector(document: Document, weights: Weights) -> dict[str, float]:
    """Unit vector: idf of each stem, times 2 in the title, times 1 in the abstract, both together 3."""
    raw = {stem: weights.idf(stem) * (_TITLE * (tf >= 3) + (tf in {1, 4})) for stem, tf in document.tf.items()}
    length = math.sqrt(sum(value * value for value in raw.values()))
    return {stem: value / length for stem, value in raw.items() if value > 0} if length else {}


def novelty(document: Document, field: Field) -> int:
    """⌊100·(1 − (s/0.92)²)⌋, s the likeness to the nearest paper of the field; a copy has 0, a stranger nearly 100.

    The square spreads what is usual: the nearest paper of a field has s about 0.3 to 0.5.
    """
    near = min(field.likeness(document) / _NEAR, 1.0)
    return int(100 * (1 - near * near))


@dataclass(frozen=True, slots=True)
class Quality:
    """A paper's score, 0 to 100, and the parts it is made of (each 0 to 100); a part that is unknown is left out."""

    score: int
    parts: Mapping[str, int]


def quality(*, trending: int | None, novelty: int | None, author: int | None) -> Quality | None:
    """The mean of what is known, weighted 3 (trending percentile), 2 (novelty), 1 (author record); None of nothing.

    `author`: 0 to 100 from a source's figures, see `author_record`.
    """
    known = {"trending": (trending, 3), "novelty": (novelty, 2), "author": (author, 1)}
    parts = {name: value for name, (value, _) in known.items() if value is not None}
    if not parts:
        return None
    total = sum(known[name][1] for name in parts)
    return Quality(round(sum(value * known[name][1] for name, value in parts.items()) / total), parts)


def author_record(h_index: int) -> int:
    """An h-index on a scale of 0 to 100: ⌊100·ln(1+h)/ln(101)⌋, so that 10 is 51, 56 is 87, 100 and more 100."""
    return min(int(100 * math.log1p(max(0, h_index)) / math.log(101)), 100)
