"""Scores papers of the search index as the matcher would, from what the index has of them.

Only for prefixes the index does not tell title and abstract apart everywhere; the page shows the matcher's own score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from operator import add

from sqlmodel import Session

from digest.db.papers import paper_search as store
from digest.db.papers.paper_search import FoundPapers, IndexHit
from digest.matching.query.language import TEXT_FIELDS, Query, Term, Word, phrase_words, positive_terms
from digest.matching.scoring.bm25 import Weights, impact
from digest.matching.scoring.index_terms import AllOf, IndexQuery, lookup, title_query, twice_query, with_author_names
from digest.matching.scoring.parameters import ABSTRACT_TF, FIXED_IMPACTS, TITLE_TF, TOPIC_WEIGHT

_FEW_PAPERS = 5_000  # up to so many papers found, what a word of them is in is looked up among them alone
_WordKey = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class _RankedTerm:
    """A term of a query, its words with weight, and the documents it is in (None: all)."""

    term: Term
    words: tuple[Word, ...]
    documents: set[int] | None


class Ranking:
    """The papers found, with their scores."""

    def __init__(
        self,
        session: Session,
        query: Query,
        index_query: IndexQuery,
        papers: FoundPapers,
        weights: Weights,
        author_names: Mapping[str, Sequence[str]],
    ) -> None:
        self._session, self._query, self._index_query, self._weights = session, query, index_query, weights
        self._papers, self._author_names = papers, author_names
        self._documents, self._lengths = papers.document_ids, papers.lengths
        self._first_id = min(papers.document_ids, default=0)
        self._places = {document: place for place, document in enumerate(papers.document_ids)}
        self._scores = self._all_scores() if papers else []

    def best(self, count: int, after: tuple[int, int, int] | None = None) -> list[tuple[int, IndexHit]]:
        """The best papers with their scores; of equal ones the newer first, then by id.

        `after`: only those behind that score, day and paper.
        """
        places: Sequence[int] = range(len(self._papers))
        if after is not None:
            behind = -after[0], -after[1], after[2]
            places = [place for place in places if self._scores[place] <= after[0] and self._order(place) > behind]
        lowest = min(nlargest(count, map(self._scores.__getitem__, places)), default=0)
        best = sorted((place for place in places if self._scores[place] >= lowest), key=self._order)[:count]
        return [(self._scores[place], hit) for place in best for hit in self._papers.hits(place, place + 1)]

    def _order(self, place: int) -> tuple[int, int, int]:
        return -self._scores[place], -self._papers.days[place], self._papers.paper_ids[place]

    def _all_scores(self) -> list[int]:
        terms = self._ranked_terms()
        gains = {key: self._word_gains(word, terms) for key, word in _words(terms).items()}
        scores = [0] * len(self._papers)
        for gain in gains.values():
            scores = list(map(add, scores, gain))
        for ranked in terms:
            scores = list(map(add, scores, self._term_gains(ranked, gains)))
        return scores

    def _ranked_terms(self) -> list[_RankedTerm]:
        """The positive terms, each once. A single term of a query is in every paper found."""
        terms = tuple(dict.fromkeys(positive_terms(self._query.root)))
        ranked = []
        for term in terms:
            is_text = term.field in TEXT_FIELDS
            words = tuple(dict.fromkeys(w for w in phrase_words(term) if w.is_weighted)) if is_text else ()
            is_everywhere = len(terms) == 1 and not (self._query.plain and len(words) > 1)
            papers_with_term = (
                None if is_everywhere else self._documents_of(lookup(with_author_names(term, self._author_names)).query)
            )
            ranked.append(_RankedTerm(term, words, papers_with_term))
        return ranked

    def _documents_of(self, query: IndexQuery) -> set[int]:
        """The documents that a query finds, at least those among the papers found."""
        is_common = len(self._documents) > _FEW_PAPERS  # the index would compare two long lists
        among_found = query if is_common else AllOf((self._index_query, query))
        return store.document_ids(self._session, among_found, self._first_id)

    def _word_gains(self, word: Word, terms: Sequence[_RankedTerm]) -> list[int]:
        """What a word adds to the score of each paper: nothing where none of its terms is."""
        idf, weights = self._weights.idf(word.text, prefix=word.prefix), self._weights
        once, in_title, twice = (
            {n: TOPIC_WEIGHT * impact(idf, tf, weights.norm(n)) for n in set(self._lengths)}
            for tf in (ABSTRACT_TF, TITLE_TF, TITLE_TF + ABSTRACT_TF)
        )
        gains = list(map(once.__getitem__, self._lengths))
        both = self._documents_of(twice_query(word))
        for document in self._documents_of(title_query(word)):
            if (place := self._places.get(document)) is not None:
                length = self._lengths[place]
                gains[place] = twice[length] if document in both else in_title[length]
        counted = None if self._query.plain else _documents_with(terms, (word.text, word.prefix))
        return gains if counted is None else _only_in(counted, self._documents, gains)

    def _term_gains(self, ranked: _RankedTerm, gains: Mapping[_WordKey, Sequence[int]]) -> list[int]:
        """A phrase's words count again; a name, a category and the like have a fixed gain."""
        total = [0] * len(self._papers)
        if ranked.term.field not in TEXT_FIELDS:
            total = [TOPIC_WEIGHT * FIXED_IMPACTS[ranked.term.field]] * len(self._papers)
        elif len(ranked.words) > 1:
            for word in ranked.words:
                total = list(map(add, total, gains[word.text, word.prefix]))
        return total if ranked.documents is None else _only_in(ranked.documents, self._documents, total)


def _words(terms: Sequence[_RankedTerm]) -> dict[_WordKey, Word]:
    return {(word.text, word.prefix): word for ranked in terms for word in ranked.words}


def _documents_with(terms: Sequence[_RankedTerm], key: _WordKey) -> set[int] | None:
    """The documents in which a word counts: those of all terms that have it (None: all)."""
    documents: set[int] = set()
    for ranked in terms:
        if any((word.text, word.prefix) == key for word in ranked.words):
            if ranked.documents is None:
                return None
            documents |= ranked.documents
    return documents


def _only_in(documents: set[int], of_hits: Sequence[int], gains: Sequence[int]) -> list[int]:
    return [gain if document in documents else 0 for document, gain in zip(of_hits, gains, strict=True)]
