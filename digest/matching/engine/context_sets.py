"""The papers near the context of each topic, as sets: what close papers of a profile must be in one of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from digest.matching.engine.impacts import Impacts
from digest.matching.engine.paper_index import PaperIndex
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.engine.segments import concatenated_ranges
from digest.matching.kernel.array_layout import FLAG_BITS, I32, I64
from digest.matching.kernel.near_papers import mark_near
from digest.matching.scoring.bm25 import Weights, impact, norm
from digest.matching.scoring.parameters import NEARNESS_UNIT
from digest.matching.scoring.topic_context import NUMBER_BYTES, PackedContext, word_idf

_MAX_CACHED = 32  # indexes with the vectors of their papers
_vectors: OrderedDict[tuple[int, int], tuple[PaperIndex, Weights, _IndexVectors]] = OrderedDict()


class ContextSets(NamedTuple):
    """`row`: of each query its row in `sets`, −1 where its context is unknown; `sets`: papers near a context."""

    row: I32
    sets: I64


class _IndexVectors(NamedTuple):
    """Papers as vectors: postings with impacts, the papers' lengths, each epoch word's stem (−1: not there)."""

    post_at: I32
    post_paper: I32
    impacts: I32
    lengths: I64
    stem: I32


class _Contexts(NamedTuple):
    """Contexts: the words of each are a segment that begins at `at`, with weights; its row of the sets; its floor."""

    at: I64
    word: I32
    weight: I32
    row: I32
    floor: I64


def topic_texts(store: ProfileStore) -> set[str]:
    """The plain topics of all profiles that can have a context."""
    stream, record = store.stream.view(), np.array(store.record, np.int64)
    queries = np.unique(stream[concatenated_ranges(record + 1, stream[record] >> FLAG_BITS)])
    texts = list(store.queries)
    return {
        texts[query] for query in queries.tolist() if query >= 0 and store.plain[query] and _has_words(store, query)
    }


def context_sets(
    store: ProfileStore,
    indexes: Sequence[PaperIndex],
    impacts: Impacts,
    weights: Weights,
    contexts: Mapping[str, PackedContext],
) -> ContextSets:
    """The papers of these indexes near each context. `contexts`: by topic, in the epoch of `weights`."""
    papers = sum(index.paper_count for index in indexes)
    row = np.full(len(store.queries) + 1, -1, np.int32)
    queries = [(number, contexts[text]) for number, text in enumerate(store.queries) if text in contexts]
    row[[number for number, _ in queries]] = np.arange(len(queries))
    sets = np.zeros((max(1, len(queries)), (papers + 63) // 64 or 1), np.int64)
    if not queries:
        return ContextSets(row, sets)
    unpacked = _unpack([context for _, context in queries])
    products = np.zeros(max(1, papers), np.int64)
    offset = 0
    for index in indexes:
        vectors = _vectors_of(index, weights)
        of_index = unpacked._replace(word=vectors.stem[unpacked.word])
        postings = vectors.post_at, vectors.post_paper, vectors.impacts
        mark_near(*of_index, *postings, vectors.lengths, offset, products, sets)
        offset += index.paper_count
    own = _own_words(store, [(number, row[number]) for number, context in queries if not context.words])
    unit_lengths = np.full(max(1, papers), NEARNESS_UNIT, np.int64)  # so that nearness is the number of words
    paper = np.ascontiguousarray(impacts.postings["paper"])
    word_at = np.ascontiguousarray(impacts.words["at"])
    mark_near(*own, word_at, paper, np.ones(len(paper), np.int32), unit_lengths, 0, products, sets)
    return ContextSets(row, sets)


def _unpack(contexts: Sequence[PackedContext]) -> _Contexts:
    counts = np.array([len(context.words) // (NUMBER_BYTES + 1) for context in contexts], np.int64)
    numbers = b"".join(context.words[: NUMBER_BYTES * count] for context, count in zip(contexts, counts, strict=True))
    weights = b"".join(context.words[NUMBER_BYTES * count :] for context, count in zip(contexts, counts, strict=True))
    return _Contexts(
        at=np.concatenate(([0], np.cumsum(counts))),
        word=np.frombuffer(numbers, "<u4").astype(np.int32),
        weight=np.frombuffer(weights, np.uint8).astype(np.int32),
        row=np.arange(len(contexts), dtype=np.int32),
        floor=np.array([context.floor for context in contexts], np.int64),
    )


def _own_words(store: ProfileStore, queries: Sequence[tuple[int, int]]) -> _Contexts:
    """As contexts the words of these queries, given with their rows; a paper must have all of them."""
    words = [_words(store, query) for query, _ in queries]
    counts = np.array([len(query_words) for query_words in words], np.int64)
    word = np.array([word for query_words in words for word in query_words], np.int32)
    return _Contexts(
        at=np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))),
        word=word,
        weight=np.ones(len(word), np.int32),
        row=np.array([row for _, row in queries], np.int32),
        floor=counts,
    )


def _words(store: ProfileStore, query: int) -> list[int]:
    """The weighted words of a query, each once."""
    words = (store.vocabulary.term_rows[2 * term] for term in store.profile_terms_of_query(query))
    return sorted({word for word in words if word >= 0})


def _has_words(store: ProfileStore, query: int) -> bool:
    return store.profile_term_at[store.term_at[query]] < store.profile_term_at[store.term_at[query + 1]]


def _vectors_of(index: PaperIndex, weights: Weights) -> _IndexVectors:
    """The vectors of an index by an epoch's counts, cached because all matchers of a run need them."""
    key = id(index), id(weights)
    if key not in _vectors:
        _vectors[key] = index, weights, _new_vectors(index, weights)
    _vectors.move_to_end(key)
    while len(_vectors) > _MAX_CACHED:
        _vectors.popitem(last=False)
    return _vectors[key][2]


def _new_vectors(index: PaperIndex, weights: Weights) -> _IndexVectors:
    idf = np.array([word_idf(stem, weights) for stem in index.stems], np.int64)
    size = np.diff(index.post_at)
    norms = norm(index.length.astype(np.int64), weights.average_milli)
    impacts = impact(np.repeat(idf, size), index.post_tf.astype(np.int64), norms[index.post_paper])
    squares = np.bincount(index.post_paper, impacts.astype(np.float64) ** 2, index.paper_count)
    lengths = np.maximum(1, np.sqrt(squares).astype(np.int64))  # exact: the sums are below 2⁵²
    stem_of_word = np.full(len(weights.stems) or 1, -1, np.int32)
    numbers = [
        (weights.stem_numbers[text], stem) for stem, text in enumerate(index.stems) if text in weights.stem_numbers
    ]
    if numbers:
        word, stem = np.array(numbers, np.int32).T
        stem_of_word[word] = stem
    # copies, because arrays of files are read-only, for which machine code would be compiled again
    post_at, post_paper = np.array(index.post_at), np.array(index.post_paper)
    return _IndexVectors(post_at, post_paper, impacts.astype(np.int32), lengths, stem_of_word)
