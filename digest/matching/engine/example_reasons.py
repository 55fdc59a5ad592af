"""Which terms of a profile's example papers are in each matched paper."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from digest.matching.engine.join import JoinedIndex
from digest.matching.engine.vocabulary import Vocabulary
from digest.matching.profile import Examples


def shared_terms(
    examples: Examples, joined: JoinedIndex, vocabulary: Vocabulary, papers: Collection[int]
) -> dict[int, list[int]]:
    """By paper (positions in `joined`) the positions of those terms of the examples that it has."""
    positions_by_paper: dict[int, list[int]] = {paper: [] for paper in papers}
    for position, term in enumerate(examples.terms):
        word = vocabulary.words[term.stems, False]
        begin, end = np.searchsorted(joined.word, [word, word + 1])
        for paper in positions_by_paper.keys() & set(joined.paper[begin:end].tolist()):
            positions_by_paper[paper].append(position)
    return positions_by_paper
