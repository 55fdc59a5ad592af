"""Looked-up posting lists of a few announcements, shared by all previews of the same papers.

A topic or word is looked up once, whoever asks for it and in whichever profile, so a topic that is added to a profile
costs the look-ups of that topic alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeVar

from digest.caching import BoundedCache
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.scoring.index_terms import IndexQuery

Papers = TypeVar("Papers", bound=Collection[int])

_MAX_ENTRIES, _MAX_BYTES = 10_000, 8 << 20
_BYTES_PER_PAPER, _BYTES_PER_LIST = 40, 250  # of a set or dictionary of small numbers


class PostingCache:
    """Looks queries and stems up in all `lists` at once. Results are not to be changed."""

    def __init__(self, lists: Iterable[PostingLists]) -> None:
        self._lists = tuple(dict.fromkeys(lists))
        self._papers: BoundedCache[Mapping[PostingLists, AbstractSet[int]]] = _new_cache()
        self._frequencies: BoundedCache[Mapping[PostingLists, Mapping[int, int]]] = _new_cache()

    def find(self, query: IndexQuery) -> Mapping[PostingLists, AbstractSet[int]]:
        """The numbers of the papers that a query finds, for each of the lists."""
        return self._papers.get(query, lambda: {lists: lists.find(query) for lists in self._lists})

    def frequencies(self, stem: str) -> Mapping[PostingLists, Mapping[int, int]]:
        """The tf of each paper with a stem, by its number, for each of the lists."""
        return self._frequencies.get(stem, lambda: {lists: lists.frequencies(stem) for lists in self._lists})


def _new_cache() -> BoundedCache[Mapping[PostingLists, Papers]]:
    return BoundedCache(max_entries=_MAX_ENTRIES, max_bytes=_MAX_BYTES // 2, size_of=_size_of)


def _size_of(result: Mapping[PostingLists, Collection[int]]) -> int:
    """About how many bytes a result takes."""
    return sum(_BYTES_PER_LIST + _BYTES_PER_PAPER * len(papers) for papers in result.values())
