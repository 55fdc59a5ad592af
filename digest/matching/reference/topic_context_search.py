"""The contexts of topics, computed by the posting lists of the announcements before an epoch."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from digest.matching.query.language import ProfileTerm, Query, parse, phrase_words, positive_terms
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.scoring.bm25 import Weights, impact
from digest.matching.scoring.index_terms import AllOf, IndexPair, IndexQuery, word_query
from digest.matching.scoring.topic_context import (
    MIN_CONTEXT_PAPERS,
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
_MIN_AS_WRITTEN = 5  # with fewer papers that have the topic as written, those with all its words count
_NEWEST_PAPERS = 100  # of a topic


class _PaperVectors:
    """The words of the papers of one announcement with their impacts; words that count nothing are left out.

    `words_of` has for each paper the numbers of its words, `impacts_of` their impacts; `lengths` the lengths of these
    vectors.
    """

    def __init__(self, lists: PostingLists, weights: Weights, number_of: dict[str, int]) -> None:
        self.words_of = [array("I") for _ in lists.ids]
        self.impacts_of = [array("H") for _ in lists.ids]
        norms = [weights.norm(length) for length in lists.lengths]
        squares = [0] * len(norms)
        for stem, papers, frequencies in lists.stem_lists():
            idf = word_idf(stem, weights)
            if not idf:
                continue
            word = number_of.setdefault(stem, len(number_of))
            for paper, tf in zip(papers, frequencies, strict=True):
                value = impact(idf, tf, norms[paper])
                self.words_of[paper].append(word)
                self.impacts_of[paper].append(value)
                squares[paper] += value * value
        self.lengths = [vector_length(total) for total in squares]


class ContextSearch:
    """Computes contexts from the announcements before an epoch. Preparing takes about 0.1 ms a paper.

    `earlier`: posting lists, newest first; `window`: so many of them set the floors.
    """

    def __init__(self, earlier: Sequence[PostingLists], weights: Weights, *, window: int) -> None:
        self._earlier, self._weights, self._window = tuple(earlier), weights, window
        self._number_of: dict[str, int] = {}
        self._vectors = [_PaperVectors(lists, weights, self._number_of) for lists in self._earlier]
        self._stems = list(self._number_of)
        window_vectors = self._vectors[:window]
        self._window_lengths = [length for vectors in window_vectors for length in vectors.lengths]
        self._window_papers: list[array[int]] = [array("I") for _ in self._stems]
        self._window_impacts: list[array[int]] = [array("H") for _ in self._stems]
        self._window_at: list[int] = []
        number = 0
        for vectors in window_vectors:
            self._window_at.append(number)
            for words, impacts in zip(vectors.words_of, vectors.impacts_of, strict=True):
                for word, value in zip(words, impacts, strict=True):
                    self._window_papers[word].append(number)
                    self._window_impacts[word].append(value)
                number += 1

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
        shares: dict[int, int] = {}
        counts: dict[int, int] = {}
        for place, number in papers:
            vectors = self._vectors[place]
            length = vectors.lengths[number]
            for word, value in zip(vectors.words_of[number], vectors.impacts_of[number], strict=True):
                shares[word] = shares.get(word, 0) + SHARE_UNIT * value // length
                counts[word] = counts.get(word, 0) + 1
        stems = self._stems
        return heaviest_words(
            leave_out(own, {stems[word]: share for word, share in shares.items()}),
            {stems[word]: count for word, count in counts.items()},
            len(papers),
            self._weights,
        )

    def _floor(self, weights: Mapping[str, int], papers: Sequence[_PlacedPaper]) -> int:
        """The nearness that a close paper must have, by the window's papers but the topic's own."""
        products = [0] * len(self._window_lengths)
        for stem, weight in weights.items():
            word = self._number_of[stem]
            for paper, value in zip(self._window_papers[word], self._window_impacts[word], strict=True):
                products[paper] += weight * value
        own = {self._window_at[place] + number for place, number in papers if place < self._window}
        pairs = zip(products, self._window_lengths, strict=True)
        return nearness_floor([nearness(*pair) for paper, pair in enumerate(pairs) if paper not in own])


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
