"""The contexts of topics, computed by the posting lists of the announcements before an epoch."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from operator import mul

from digest.matching.query.language import ProfileTerm, Query, parse, phrase_words, positive_terms
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.scoring.bm25 import Weights, impacts_of_word, rarely_meet
from digest.matching.scoring.index_terms import AllOf, IndexPair, IndexQuery, word_query
from digest.matching.scoring.topic_context import (
    MAX_FLOOR_PAPERS,
    MIN_CONTEXT_PAPERS,
    MIN_WORD_PAPERS,
    SHARE_UNIT,
    TopicContext,
    heaviest_words,
    leave_out,
    nearness_floor,
    nearnesses,
    own_terms,
    vector_length,
    word_idf,
)

_MIN_AS_WRITTEN = (
    5  # of fewer papers that have the topic as written, and words that rarely meet, those with all words count
)
_NEWEST_PAPERS = 100  # of a topic


class ContextSearch:
    """Computes contexts from the announcements before an epoch. Preparing takes about 0.1 ms a paper.

    `earlier`: posting lists, newest first; `window`: the papers of so many of them set the floors. If these are more
    than `MAX_FLOOR_PAPERS`, only every second, every third … does: at most `MAX_FLOOR_PAPERS`, and at least half as
    many.

    The papers of all announcements are numbered together, those of the window first. A paper is the vector of its
    words' impacts, without words that count nothing; words have numbers too.
    """

    def __init__(self, earlier: Sequence[PostingLists], weights: Weights, *, window: int) -> None:
        self._earlier, self._weights, self._window = tuple(earlier), weights, window
        self._number_of: dict[str, int] = {}
        self._starts = list(accumulate((lists.paper_count for lists in self._earlier), initial=0))
        self._window_end = self._starts[min(window, len(self._earlier))]
        self._floor_step = max(1, -(-self._window_end // MAX_FLOOR_PAPERS))
        # of each paper its words and their shares in the vector's length
        self._words_of = [array("I") for _ in range(self._starts[-1])]
        self._shares_of: list[array[int]] = []
        # of each word the papers that set floors and have it, and its impacts in these; then the lengths of all these
        self._floor_papers: list[array[int]] = []
        self._floor_impacts: list[array[int]] = []
        self._floor_lengths: list[int] = []
        for place, lists in enumerate(self._earlier):
            self._add_vectors(lists, self._starts[place], in_window=place < window)
        self._stems = list(self._number_of)

    def _add_vectors(self, lists: PostingLists, start: int, *, in_window: bool) -> None:
        """Add the papers of an announcement, which are numbered from `start` on."""
        norms = [self._weights.norm(length) for length in lists.lengths]
        words_of, impacts_of = self._words_of[start:], [array("H") for _ in norms]
        for stem, papers, frequencies in lists.stem_lists():
            idf = word_idf(stem, self._weights)
            if not idf:
                continue
            word = self._word_number(stem)
            impacts = impacts_of_word(idf, frequencies, [norms[paper] for paper in papers])
            for paper, value in zip(papers, impacts, strict=True):
                words_of[paper].append(word)
                impacts_of[paper].append(value)
            if in_window:
                self._add_floor_impacts(word, [start + paper for paper in papers], impacts)
        lengths = [vector_length(sum(map(mul, impacts, impacts))) for impacts in impacts_of]
        self._shares_of += [
            array("H", [SHARE_UNIT * value // length for value in impacts])
            for impacts, length in zip(impacts_of, lengths, strict=True)
        ]
        if in_window:
            self._floor_lengths += lengths[-start % self._floor_step :: self._floor_step]

    def _add_floor_impacts(self, word: int, papers: Sequence[int], impacts: Sequence[int]) -> None:
        """Add the impacts of a word in those of these papers that set floors: the numbers that the step divides."""
        step = self._floor_step
        chosen = [(paper // step, value) for paper, value in zip(papers, impacts, strict=True) if paper % step == 0]
        self._floor_papers[word].extend([paper for paper, _ in chosen])
        self._floor_impacts[word].extend([value for _, value in chosen])

    def _word_number(self, stem: str) -> int:
        """The number of a word; a new one where it has none."""
        number = self._number_of.setdefault(stem, len(self._number_of))
        if number == len(self._floor_papers):
            self._floor_papers.append(array("I"))
            self._floor_impacts.append(array("H"))
        return number

    def context(self, text: str) -> TopicContext | None:
        """The context of a plain topic; None for a query or a topic without weighted words. Raises BadQuery."""
        query = parse(text)
        own = own_terms(query)
        if not own:
            return None
        papers = self._papers(_written_query(query))
        idfs = [self._weights.idf(term.text, prefix=term.prefix) for term in own]
        if len(papers) < _MIN_AS_WRITTEN and rarely_meet(idfs):
            papers = self._papers(_all_words_query(query))
        if len(papers) < MIN_CONTEXT_PAPERS:
            return TopicContext({})
        weights = self._typical_words(papers[:_NEWEST_PAPERS], own)
        return TopicContext(weights, self._floor(weights, papers)) if weights else TopicContext({})

    def _papers(self, query: IndexQuery) -> list[int]:
        """The papers that a query finds, newest first: all of the window, and earlier ones until they are enough."""
        papers: list[int] = []
        for place, lists in enumerate(self._earlier):
            if place >= self._window and len(papers) >= _NEWEST_PAPERS:
                break
            start = self._starts[place]
            papers += [start + number for number in sorted(lists.find(query), reverse=True)]
        return papers

    def _typical_words(self, papers: Sequence[int], own: Sequence[ProfileTerm]) -> dict[str, int]:
        shares: defaultdict[int, int] = defaultdict(int)
        counts: Counter[int] = Counter()
        for paper in papers:
            words = self._words_of[paper]
            counts.update(words)
            for word, share in zip(words, self._shares_of[paper], strict=True):
                shares[word] += share
        stems = self._stems
        frequent_words = [word for word, count in counts.items() if count >= MIN_WORD_PAPERS]
        return heaviest_words(
            leave_out(own, {stems[word]: shares[word] for word in frequent_words}),
            {stems[word]: counts[word] for word in frequent_words},
            len(papers),
            self._weights,
        )

    def _floor(self, weights: Mapping[str, int], papers: Sequence[int]) -> int:
        """The nearness that a close paper must have, by the papers that set floors, but for the topic's own."""
        products = [0] * len(self._floor_lengths)
        for stem, weight in weights.items():
            word = self._number_of[stem]
            for paper, value in zip(self._floor_papers[word], self._floor_impacts[word], strict=True):
                products[paper] += weight * value
        step = self._floor_step
        own = [paper // step for paper in papers if paper < self._window_end and paper % step == 0]
        for paper in own:
            products[paper] = 0
        values = nearnesses(products, self._floor_lengths)
        return nearness_floor(values, zeros=len(products) - len(own) - len(values))


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
