"""Looked-up posting lists of several announcements at once, shared by all previews of the same papers.

The papers of all announcements are numbered together, so that a topic is looked up and summed once and not for each
announcement. Each topic or word is looked up once, whoever asks for it and in whichever profile, so a topic that is
added to a profile costs the look-ups of that topic alone.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar
from weakref import WeakKeyDictionary

from digest.caching import BoundedCache
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.index_terms import AllOf, IndexQuery

Papers = TypeVar("Papers", bound=Collection[int])

_MAX_ENTRIES, _MAX_BYTES = 10_000, 16 << 20
_BYTES_PER_PAPER, _BYTES_PER_RESULT = 90, 300  # of a set or dictionary of numbers


class PostingCache:
    """Looks queries and stems up in all `lists` at once. Results are not to be changed.

    The number of a paper is its number in its announcement's lists after those of all lists before. `long_papers`:
    those with a stem that is too long for the lists.
    """

    def __init__(self, lists: Iterable[PostingLists]) -> None:
        self.lists = tuple(dict.fromkeys(lists))
        self._starts = list(accumulate((part.paper_count for part in self.lists), initial=0))
        self.start_of: Mapping[PostingLists, int] = dict(zip(self.lists, self._starts, strict=False))
        self.ids = array("q", (paper_id for part in self.lists for paper_id in part.ids))
        self.long_papers = frozenset(start + n for part, start in self.start_of.items() for n in part.long_papers)
        self._papers: BoundedCache[frozenset[int]] = _new_cache()
        self._frequencies: BoundedCache[Mapping[int, int]] = _new_cache()
        self._norms: BoundedCache[Sequence[int]] = BoundedCache(max_entries=1, max_bytes=1, size_of=lambda _: 1)
        self._vector_lengths: WeakKeyDictionary[Weights, dict[int, int]] = WeakKeyDictionary()

    def lists_of(self, number: int) -> PostingLists:
        """The lists of the announcement of a paper, by the paper's number."""
        return self.lists[bisect_right(self._starts, number) - 1]

    def find(self, query: IndexQuery) -> frozenset[int]:
        """The numbers of the papers that a query finds."""
        return self._papers.get(query, lambda: self._find(query))

    def _find(self, query: IndexQuery) -> frozenset[int]:
        """As `find`. The parts of a topic are looked up by themselves, because topics share words."""
        if isinstance(query, AllOf) and query.parts:
            first, *others = map(self.find, query.parts)
            return first.intersection(*others)
        return frozenset(start + number for part, start in self.start_of.items() for number in part.find(query))

    def frequencies(self, stem: str) -> Mapping[int, int]:
        """The tf of each paper with a stem, by its number."""
        return self._frequencies.get(stem, lambda: self._look_up_frequencies(stem))

    def _look_up_frequencies(self, stem: str) -> Mapping[int, int]:
        frequencies: dict[int, int] = {}
        for part, start in self.start_of.items():
            papers, tfs = part.stem_list(stem)
            frequencies.update(zip([start + paper for paper in papers], tfs, strict=True))
        return frequencies

    def paper_words(self, number: int) -> tuple[Mapping[str, int], int]:
        """The tf of each stem of a paper that is not one of `long_papers`, and the paper's length in tokens."""
        lists = self.lists_of(number)
        number_there = number - self.start_of[lists]
        return lists.paper_frequencies(number_there), lists.lengths[number_there]

    def norms(self, weights: Weights) -> Sequence[int]:
        """The length normalisation of each paper (`Weights.norm`), by its number."""
        return self._norms.get(
            weights.average_milli,
            lambda: array("I", (weights.norm(length) for part in self.lists for length in part.lengths)),
        )

    def vector_lengths(self, weights: Weights) -> dict[int, int]:
        """The lengths of papers' vectors (`topic_context.PaperVector`) by number, for callers to read and add to."""
        return self._vector_lengths.setdefault(weights, {})


def _new_cache() -> BoundedCache[Papers]:
    return BoundedCache(max_entries=_MAX_ENTRIES, max_bytes=_MAX_BYTES // 2, size_of=_size_of)


def _size_of(result: Collection[int]) -> int:
    """About how many bytes a result takes."""
    return _BYTES_PER_RESULT + _BYTES_PER_PAPER * len(result)
