"""Scores papers of the search index as the matcher would, from what the index has of them.

Only for prefixes the index does not tell title and abstract apart everywhere; the page shows the matcher's own score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from digest.db.papers import paper_search as store
from digest.db.papers.paper_search import IndexHit
from digest.matching.query.language import TEXT_FIELDS, Query, Term, Word, phrase_words, positive_terms
from digest.matching.scoring.bm25 import Weights, impact
from digest.matching.scoring.index_terms import AllOf, IndexQuery, lookup, title_query, twice_query
from digest.matching.scoring.parameters import ABSTRACT_TF, FIXED_IMPACTS, TITLE_TF, TOPIC_WEIGHT

Gains = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class _RankedTerm:
    """A term of a query, its words with weight, and the documents it is in (None: all)."""

    term: Term
    words: tuple[Word, ...]
    documents: set[int] | None


def rank(
    session: Session, query: Query, index_query: IndexQuery, hits: Sequence[IndexHit], weights: Weights
) -> list[tuple[int, IndexHit]]:
    """The papers with their scores, best first; of equal ones the newer first, then by id."""
    terms = _ranked_terms(session, query, index_query)
    scores = dict.fromkeys([hit.document_id for hit in hits], 0)
    gains_by_word: dict[tuple[str, bool], Gains] = {}
    for ranked in terms:
        for word in ranked.words:
            key = word.text, word.prefix
            if key not in gains_by_word:
                documents = None if query.plain else _documents_with(terms, key)
                gains_by_word[key] = _word_gains(session, word, index_query, hits, documents, weights)
    for gains in gains_by_word.values():
        for document, gain in gains.items():
            scores[document] += gain
    for ranked in terms:
        _add_term_gains(scores, ranked, gains_by_word)
    scored = [(scores[hit.document_id], hit) for hit in hits]
    return sorted(scored, key=lambda pair: (-pair[0], -pair[1].day, pair[1].paper_id))


def _ranked_terms(session: Session, query: Query, index_query: IndexQuery) -> list[_RankedTerm]:
    """The positive terms, each once. A single term of a query is in every paper found."""
    terms = tuple(dict.fromkeys(positive_terms(query.root)))
    ranked = []
    for term in terms:
        is_text = term.field in TEXT_FIELDS
        words = tuple(dict.fromkeys(w for w in phrase_words(term) if w.is_weighted)) if is_text else ()
        in_all = len(terms) == 1 and not (query.plain and len(words) > 1)
        found = None if in_all else store.document_ids(session, AllOf((index_query, lookup(term).query)))
        ranked.append(_RankedTerm(term, words, found))
    return ranked


def _documents_with(terms: Sequence[_RankedTerm], key: tuple[str, bool]) -> set[int] | None:
    """The documents in which a word counts: those of all terms that have it."""
    documents: set[int] = set()
    for ranked in terms:
        if any((word.text, word.prefix) == key for word in ranked.words):
            if ranked.documents is None:
                return None
            documents |= ranked.documents
    return documents


def _word_gains(
    session: Session,
    word: Word,
    index_query: IndexQuery,
    hits: Sequence[IndexHit],
    documents: set[int] | None,
    weights: Weights,
) -> Gains:
    """What a word adds to the score of each paper."""
    idf = weights.idf(word.text, prefix=word.prefix)
    in_title = store.document_ids(session, AllOf((index_query, title_query(word))))
    in_both = store.document_ids(session, AllOf((index_query, twice_query(word))))
    gain_by_form: dict[tuple[int, int], int] = {}
    gains: dict[int, int] = {}
    for document, _, _, length in hits:
        if documents is not None and document not in documents:
            continue
        tf = TITLE_TF + ABSTRACT_TF if document in in_both else TITLE_TF if document in in_title else ABSTRACT_TF
        form = tf, length
        if form not in gain_by_form:
            gain_by_form[form] = TOPIC_WEIGHT * impact(idf, tf, weights.norm(length))
        gains[document] = gain_by_form[form]
    return gains


def _add_term_gains(
    scores: dict[int, int], ranked: _RankedTerm, gains_by_word: Mapping[tuple[str, bool], Gains]
) -> None:
    """A phrase's words count again; a name, a category and the like have a fixed gain."""
    documents = scores.keys() if ranked.documents is None else ranked.documents & scores.keys()
    if ranked.term.field not in TEXT_FIELDS:
        for document in documents:
            scores[document] += TOPIC_WEIGHT * FIXED_IMPACTS[ranked.term.field]
    elif len(ranked.words) > 1:
        for word in ranked.words:
            gains = gains_by_word[word.text, word.prefix]
            for document in documents:
                scores[document] += gains.get(document, 0)
