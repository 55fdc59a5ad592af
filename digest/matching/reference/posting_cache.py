"""Looked-up posting lists of a few announcements, shared by all previews of the same papers.

A topic or word is looked up once, whoever asks for it and in whichever profile, so a topic that is added to a profile
costs the look-ups of that topic alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from digest.caching import BoundedCache
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.index_terms import AllOf, IndexQuery

Papers = TypeVar("Papers", bound=Collection[int])

_MAX_ENTRIES, _MAX_BYTES = 10_000, 8 << 20
_BYTES_PER_PAPER, _BYTES_PER_LIST = 40, 250  # of a set or dictionary of small numbers


class PostingCache:
    """Looks queries and stems up in all `lists` at once. Results are not to be changed."""

    def __init__(self, lists: Iterable[PostingLists]) -> None:
        self._lists = tuple(dict.fromkeys(lists))
        self._papers: BoundedCache[Mapping[PostingLists, frozenset[int]]] = _new_cache()
        self._frequencies: BoundedCache[Mapping[PostingLists, Mapping[int, int]]] = _new_cache()
        self._norms: BoundedCache[Mapping[PostingLists, Sequence[int]]] = BoundedCache(
            max_entries=1, max_bytes=1, size_of=lambda _: 1
        )

    def find(self, query: IndexQuery) -> Mapping[PostingLists, frozenset[int]]:
        """The numbers of the papers that a query finds, for each of the lists."""
        return self._papers.get(query, lambda: self._find(query))

    def _find(self, query: IndexQuery) -> Mapping[PostingLists, frozenset[int]]:
        """As `find`. The parts of a topic are looked up by themselves, because topics share words."""
        if isinstance(query, AllOf) and query.parts:
            first, *others = (self.find(part) for part in query.parts)
            return {lists: first[lists].intersection(*(part[lists] for part in others)) for lists in self._lists}
        return {lists: frozenset(lists.find(query)) for lists in self._lists}

    def frequencies(self, stem: str) -> Mapping[PostingLists, Mapping[int, int]]:
        """The tf of each paper with a stem, by its number, for each of the lists."""
        return self._frequencies.get(stem, lambda: {lists: lists.frequencies(stem) for lists in self._lists})

    def norms(self, weights: Weights) -> Mapping[PostingLists, Sequence[int]]:
        """The length normalisation of each paper (`Weights.norm`), by its number, for each of the lists."""
        return self._norms.get(
            weights.average_milli,
            lambda: {lists: array("I", map(weights.norm, lists.lengths)) for lists in self._lists},
        )


def _new_cache() -> BoundedCache[Mapping[PostingLists, Papers]]:
    return BoundedCache(max_entries=_MAX_ENTRIES, max_bytes=_MAX_BYTES // 2, size_of=_size_of)


def _size_of(result: Mapping[PostingLists, Collection[int]]) -> int:
    """About how many bytes a result takes."""
    return sum(_BYTES_PER_LIST + _BYTES_PER_PAPER * len(papers) for papers in result.values())
