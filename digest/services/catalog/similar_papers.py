"""Papers similar to one: the cosine of the words' impacts, as for likes; candidates come from the search index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from sqlmodel import Session

from digest.compose.email import paper_block
from digest.db.core.engine import reading
from digest.db.papers import paper_search as index
from digest.db.papers import papers as store
from digest.db.papers.papers import StoredPaper
from digest.db.runs import runs
from digest.matching.profile import Candidate
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.scoring.index_terms import AllOf, AnyOf, IndexQuery, stem_query
from digest.matching.scoring.relevance_feedback import shares
from digest.services.catalog import epochs

MAX_SIMILAR = 8
_MIN_LIKENESS = 0.15  # cosine; papers of one field that have another subject have less
_WORDS, _PAIRED_WORDS = 10, 6  # the heaviest words of a paper; a candidate has two of the first six
_COMPARED = 40  # candidates whose texts are compared
_SHARED_WORDS = 4


@dataclass(frozen=True, slots=True)
class SimilarPaper:
    """A similar paper, and the words that make it similar, heaviest first, as the paper writes them."""

    id: int
    title: str
    words: tuple[str, ...]


def similar_papers(paper_id: int) -> tuple[SimilarPaper, ...]:
    """The most similar papers, at most `SHOWN`; none for a paper that is not stored or has few words."""
    with reading() as session:
        index.prefer_index(session)
        stored_paper = store.stored_papers(session, [paper_id]).get(paper_id)
        if stored_paper is None:
            return ()
        weights = epochs.weights(runs.newest_epoch(session))
        document = _document(stored_paper)
        vector = shares(document, weights)
        candidates = store.stored_papers(session, _candidates(session, paper_id, vector))
    compared = [_compared(paper, vector, weights) for paper in candidates.values() if not paper.record.withdrawn]
    best = sorted((item for item in compared if item[0] >= _MIN_LIKENESS), key=lambda item: (-item[0], -item[1].id))
    written = _written_words(document)
    return tuple(
        SimilarPaper(
            paper.id, paper_block.readable_title(paper.record), tuple(written.get(stem, stem) for stem in stems)
        )
        for _, paper, stems in best[:MAX_SIMILAR]
    )


def _document(paper: StoredPaper) -> Document:
    return prepare_document(Candidate(paper.id, paper.record, 0))


def _candidates(session: Session, paper_id: int, vector: Mapping[str, int]) -> list[int]:
    """The papers that share most of the weight of the heaviest words."""
    heaviest = sorted(vector, key=lambda stem: (-vector[stem], stem))[:_WORDS]
    if len(heaviest) < 2:
        return []
    pairs: IndexQuery = AnyOf(
        tuple(AllOf((stem_query(a), stem_query(b))) for a, b in combinations(heaviest[:_PAIRED_WORDS], 2))
    )
    likeness: Counter[int] = Counter()
    for stem in heaviest:
        likeness.update(dict.fromkeys(index.document_ids(session, AllOf((stem_query(stem), pairs))), vector[stem]))
    papers = index.papers_of(session, [document for document, _ in likeness.most_common(_COMPARED + 1)])
    return [number for number in papers if number != paper_id][:_COMPARED]


def _compared(
    paper: StoredPaper, vector: Mapping[str, int], weights: Weights
) -> tuple[float, StoredPaper, tuple[str, ...]]:
    """A candidate with its cosine and the words that contribute most to it."""
    other = shares(_document(paper), weights)
    products = {stem: vector[stem] * other[stem] for stem in vector.keys() & other.keys()}
    words = (stem for stem in products if not stem[0].isdigit())
    heaviest = sorted(words, key=lambda stem: (-products[stem], stem))[:_SHARED_WORDS]
    return sum(products.values()) / 1e12, paper, tuple(heaviest)


def _written_words(document: Document) -> dict[str, str]:
    """Each stem as the paper writes it first."""
    tokens = (*document.title.tokens, *document.abstract.tokens)
    return {token.stem: token.word for token in reversed(tokens)}
