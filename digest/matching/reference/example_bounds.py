"""The most that papers can resemble a profile's example papers, by posting lists."""

from __future__ import annotations

from collections.abc import Mapping

from digest.matching.reference.parsed_profile import ParsedProfile
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.scoring.bm25 import Weights, impact
from digest.matching.scoring.index_terms import IndexPair
from digest.matching.scoring.parameters import ABSTRACT_TF, EXAMPLE_UNIT, TITLE_TF

_IN_TITLE, _IN_ABSTRACT = {TITLE_TF, TITLE_TF + ABSTRACT_TF}, {ABSTRACT_TF, TITLE_TF + ABSTRACT_TF}
_PAIR_TF = {  # of two words the most that their pair can have
    (first, second): TITLE_TF * (first in _IN_TITLE and second in _IN_TITLE)
    + ABSTRACT_TF * (first in _IN_ABSTRACT and second in _IN_ABSTRACT)
    for first in _IN_TITLE | _IN_ABSTRACT
    for second in _IN_TITLE | _IN_ABSTRACT
}


class ExampleBounds:
    """The terms of a profile's example papers, and `floor`: the similarity that admits a paper."""

    def __init__(self, parsed: ParsedProfile, weights: Weights) -> None:
        self._terms, self._weights = parsed.examples, weights
        self.floor = parsed.profile.examples.floor if parsed.profile.examples else 0

    def similarities(self, lists: PostingLists) -> dict[int, int]:
        """By number, the most that the similarity of each paper with one of the terms can be."""
        stems = {stem for stems, _, _ in self._terms for stem in stems}
        frequencies = {stem: lists.frequencies(stem) for stem in stems}
        norms = {length: self._weights.norm(length) for length in set(lists.lengths)}
        sums: dict[int, int] = {}
        for stems_of_term, weight, idf in self._terms:
            for number, tf in _term_frequencies(lists, stems_of_term, frequencies).items():
                sums[number] = sums.get(number, 0) + weight * impact(idf, tf, norms[lists.lengths[number]])
        return {number: total // EXAMPLE_UNIT for number, total in sums.items()}


def _term_frequencies(
    lists: PostingLists, stems: tuple[str, ...], frequencies: Mapping[str, Mapping[int, int]]
) -> Mapping[int, int]:
    """The tf of a word in each paper; of two adjacent words the most that it can be."""
    if len(stems) == 1:
        return frequencies[stems[0]]
    first, second = (frequencies[stem] for stem in stems)
    numbers = lists.find(IndexPair(*stems)) & first.keys() & second.keys()
    return {number: tf for number in numbers if (tf := _PAIR_TF[first[number], second[number]])}
