"""The contexts of topics, computed by the posting lists of the announcements before an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.matching.query.language import ProfileTerm, Query, parse, phrase_words, positive_terms
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.scoring.bm25 import Weights, impact
from digest.matching.scoring.index_terms import AllOf, IndexPair, IndexQuery, word_query
from digest.matching.scoring.topic_context import (
    MIN_CONTEXT_PAPERS,
    MIN_WORD_PAPERS,
    SHARE_UNIT,
    TopicContext,
    heaviest_words,
    leave_out,
    nearness,
    nearness_floor,
    own_terms,
    vector_length,
    word_idf,
)

_PlacedPaper = tuple[int, int]  # the place of its announcement, newest first, and its number there
_Numbers = NDArray[np.uint32]
_MIN_AS_WRITTEN = 5  # with fewer papers that have the topic as written, those with all its words count
_NEWEST_PAPERS = 100  # of a topic
_ADDED_AT_ONCE = 1 << 16  # nearnesses whose squares are summed in 64 bits


class _PaperVectors(NamedTuple):
    """The words of the papers of one announcement with their impacts; words that count nothing are left out.

    Those of paper n are at `paper_at[n]` to `paper_at[n + 1]`. `lengths`: of the papers' vectors.
    """

    words: _Numbers
    impacts: _Numbers
    paper_at: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def shares(self, paper: int) -> NDArray[np.int64]:
        """The share of each word of a paper in its vector."""
        impacts = self.impacts[self.paper_at[paper] : self.paper_at[paper + 1]]
        shares: NDArray[np.int64] = SHARE_UNIT * impacts.astype(np.int64) // self.lengths[paper]
        return shares


def _vectors(lists: PostingLists, weights: Weights, number_of: dict[str, int]) -> _PaperVectors:
    """The vectors of an announcement. `number_of`: the number of each word, to which new ones are added."""
    idfs, numbers, papers_of, tf_of = [], [], [], []
    for stem, papers, frequencies in lists.stem_lists():
        if idf := word_idf(stem, weights):
            idfs.append(idf)
            numbers.append(number_of.setdefault(stem, len(number_of)))
            papers_of.append(papers)
            tf_of.append(frequencies)
    sizes = [len(papers) for papers in papers_of]
    paper = np.frombuffer(b"".join(papers_of), np.uint16)
    tf = np.frombuffer(b"".join(tf_of), np.uint8).astype(np.int64)
    norms = np.array([weights.norm(length) for length in lists.lengths], np.int64)
    impacts: NDArray[np.int64] = impact(np.repeat(np.array(idfs, np.int64), sizes), tf, norms[paper])
    squares = np.bincount(paper, impacts.astype(np.float64) ** 2, lists.paper_count)  # exact below 2**53
    by_paper = np.argsort(paper, kind="stable")
    return _PaperVectors(
        np.repeat(np.array(numbers, np.uint32), sizes)[by_paper],
        impacts[by_paper].astype(np.uint32),
        np.concatenate(([0], np.cumsum(np.bincount(paper, minlength=lists.paper_count)))),
        np.array([vector_length(int(total)) for total in squares], np.int64),
    )


class ContextSearch:
    """Computes contexts from the announcements before an epoch. Preparing takes a second or less for 15,000 papers.

    `earlier`: posting lists, newest first; `window`: so many of them set the floors.
    """

    def __init__(self, earlier: Sequence[PostingLists], weights: Weights, *, window: int) -> None:
        self._earlier, self._weights, self._window = tuple(earlier), weights, window
        self._number_of: dict[str, int] = {}
        self._vectors = [_vectors(lists, weights, self._number_of) for lists in self._earlier]
        self._stems = list(self._number_of)
        self._invert(self._vectors[:window])

    def _invert(self, window: Sequence[_PaperVectors]) -> None:
        """Sort the impacts of the window by word. Its papers are numbered through, from `_window_at` on."""
        sizes = [np.diff(vectors.paper_at) for vectors in window]
        self._window_at = [0, *np.cumsum([len(counts) for counts in sizes]).tolist()]
        self._window_lengths = np.concatenate([np.empty(0, np.int64), *(vectors.lengths for vectors in window)])
        words = np.concatenate([np.empty(0, np.uint32), *(vectors.words for vectors in window)])
        impacts = np.concatenate([np.empty(0, np.uint32), *(vectors.impacts for vectors in window)])
        papers = np.repeat(np.arange(len(self._window_lengths)), np.concatenate([np.empty(0, np.int64), *sizes]))
        by_word = np.argsort(words, kind="stable")
        self._window_papers = papers[by_word].astype(np.uint32)
        self._window_impacts = impacts[by_word]
        self._word_at = np.concatenate(([0], np.cumsum(np.bincount(words, minlength=len(self._stems)))))

    def context(self, text: str) -> TopicContext | None:
        """The context of a plain topic; None for a query or a topic without weighted words. Raises BadQuery."""
        query = parse(text)
        own = own_terms(query)
        if not own:
            return None
        papers = self._papers(_written_query(query))
        if len(papers) < _MIN_AS_WRITTEN:
            papers = self._papers(_all_words_query(query))
        if len(papers) < MIN_CONTEXT_PAPERS:
            return TopicContext({})
        weights = self._typical_words(papers[:_NEWEST_PAPERS], own)
        return TopicContext(weights, self._floor(weights, papers)) if weights else TopicContext({})

    def _papers(self, query: IndexQuery) -> list[_PlacedPaper]:
        """The papers that a query finds, newest first: all of the window, and earlier ones until they are enough."""
        papers: list[_PlacedPaper] = []
        for place, lists in enumerate(self._earlier):
            if place >= self._window and len(papers) >= _NEWEST_PAPERS:
                break
            papers += [(place, number) for number in sorted(lists.find(query), reverse=True)]
        return papers

    def _typical_words(self, papers: Sequence[_PlacedPaper], own: Sequence[ProfileTerm]) -> dict[str, int]:
        all_words, all_shares = [], []
        for place, number in papers:
            vectors = self._vectors[place]
            all_words.append(vectors.words[vectors.paper_at[number] : vectors.paper_at[number + 1]])
            all_shares.append(vectors.shares(number))
        words = np.concatenate(all_words)
        counts = np.bincount(words)
        shares = np.bincount(words, np.concatenate(all_shares))  # whole numbers, exact below 2**53
        of_several = np.flatnonzero(counts >= MIN_WORD_PAPERS)
        stems = [self._stems[word] for word in of_several.tolist()]
        share_of = dict(zip(stems, shares[of_several].astype(np.int64).tolist(), strict=True))
        papers_with = dict(zip(stems, counts[of_several].tolist(), strict=True))
        return heaviest_words(leave_out(own, share_of), papers_with, len(papers), self._weights)

    def _floor(self, weights: Mapping[str, int], papers: Sequence[_PlacedPaper]) -> int:
        """The nearness that a close paper must have, by the window's papers but the topic's own."""
        products = np.zeros(len(self._window_lengths), np.int64)
        for stem, weight in weights.items():
            word = self._number_of[stem]
            of_word = slice(self._word_at[word], self._word_at[word + 1])
            products[self._window_papers[of_word]] += weight * self._window_impacts[of_word].astype(np.int64)
        own = [self._window_at[place] + number for place, number in papers if place < self._window]
        values = np.delete(nearness(products, self._window_lengths), own)
        parts = np.array_split(values, 1 + len(values) // _ADDED_AT_ONCE)
        return nearness_floor(len(values), int(values.sum()), sum(int(part @ part) for part in parts))


def _written_query(query: Query) -> IndexQuery:
    """The papers with a plain topic as written, as far as posting lists tell: with each two adjacent words so."""
    return AllOf(tuple(dict.fromkeys([*_word_queries(query), *_pair_queries(query)])))


def _all_words_query(query: Query) -> IndexQuery:
    return AllOf(tuple(dict.fromkeys(_word_queries(query))))


def _word_queries(query: Query) -> Iterator[IndexQuery]:
    for term in positive_terms(query.root):
        yield from (word_query(word) for word in phrase_words(term) if word.is_weighted)


def _pair_queries(query: Query) -> Iterator[IndexQuery]:
    for term in positive_terms(query.root):
        for first, second in pairwise(phrase_words(term)):
            if not (first.prefix or second.prefix):
                yield IndexPair(first.text, second.text)
