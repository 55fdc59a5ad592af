"""The papers near the context of each topic, as sets: what close papers of a profile must be in one of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from threading import Lock
from typing import NamedTuple

import numpy as np

from digest.matching.engine.dense_rows import frequent_words
from digest.matching.engine.paper_index import PaperIndex
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.engine.segments import concatenated_ranges
from digest.matching.kernel.array_layout import FLAG_BITS, I16, I32, I64, NO_CONTEXT, UNKNOWN_CONTEXT
from digest.matching.kernel.near_papers import BLOCK, F64, mark_near
from digest.matching.scoring.bm25 import Weights, impact, norm
from digest.matching.scoring.topic_context import PackedContext, word_idf

_MAX_TOPICS, _MAX_BYTES = 100_000, 32 << 20  # sets that stay for the profiles of other matchers


class ContextSets(NamedTuple):
    """`row`: of each query its row in `sets`, UNKNOWN_CONTEXT, or NO_CONTEXT; `sets`: papers near a context."""

    row: I32
    sets: I64


class _IndexVectors(NamedTuple):
    """Papers as vectors: each epoch word's stem (−1: not there), postings with impacts, the papers' lengths.

    `dense` has the impacts of frequent stems by paper; `dense_row`: of each stem its row, −1 for none.
    """

    stem_of_word: I32
    post_at: I32
    post_paper: I32
    impacts: I32
    dense_row: I32
    dense: I16
    lengths: F64


class NearPapers:
    """The papers of some indexes near the contexts of topics, for all matchers of these papers in an epoch.

    A topic's set is computed once. Thread-safe.
    """

    def __init__(self, indexes: Sequence[PaperIndex], weights: Weights) -> None:
        self.indexes, self._weights, self._lock = tuple(indexes), weights, Lock()
        self._papers = sum(index.paper_count for index in indexes)
        self._row_of: dict[str, int] = {}
        self._used_rows = 0
        self._sets = np.zeros((1, (self._papers + 63) // 64 or 1), np.int64)
        self._vectors: list[_IndexVectors] = []

    def has_room(self, topics: int) -> bool:
        """True where the sets of so many more topics fit into the memory for them, or there are none yet."""
        total = topics + len(self._row_of)
        return not self._row_of or (total <= _MAX_TOPICS and total * self._sets[0].nbytes <= _MAX_BYTES)

    def missing(self, topics: Iterable[str]) -> list[str]:
        """Those of these topics that have no set."""
        return [text for text in topics if text not in self._row_of]

    def context_sets(self, store: ProfileStore, contexts: Mapping[str, PackedContext]) -> ContextSets:
        """The sets of a store's topics. `contexts`: those of topics without a set, in the epoch of the weights."""
        row = np.full(len(store.plain) + 1, UNKNOWN_CONTEXT, np.int32)
        with self._lock:
            if not contexts and not self._row_of:
                return ContextSets(row, self._sets)
            texts = list(store.queries)
            plain = np.flatnonzero(np.array(store.plain, bool))
            plain_texts = [texts[number] for number in plain.tolist()]
            row[plain] = list(map(self._row_of.get, plain_texts, repeat(UNKNOWN_CONTEXT)))
            missing = np.flatnonzero(row[plain] == UNKNOWN_CONTEXT).tolist()
            new_contexts = [(i, contexts[plain_texts[i]]) for i in missing if plain_texts[i] in contexts]
            rows = self._add([context for _, context in new_contexts])
            self._row_of.update(zip([plain_texts[i] for i, _ in new_contexts], rows, strict=True))
            row[plain[[i for i, _ in new_contexts]]] = rows
            return ContextSets(row, self._sets)

    def _add(self, contexts: Sequence[PackedContext]) -> list[int]:
        """Find the papers near these contexts. Returns the row of each in the sets; NO_CONTEXT without words."""
        size = np.array([len(context.words) for context in contexts], np.int64)
        begin, self._used_rows = self._used_rows, self._used_rows + int(np.count_nonzero(size))
        self._reserve(self._used_rows)
        row = np.full(len(contexts), NO_CONTEXT, np.int32)
        row[size > 0] = np.arange(begin, self._used_rows)
        if size.any():
            self._mark([context for context in contexts if context.words], size[size > 0], row[size > 0])
        rows: list[int] = row.tolist()
        return rows

    def _reserve(self, rows: int) -> None:
        """Make room for so many sets; matchers keep the arrays that they have."""
        if rows > len(self._sets):
            sets = np.zeros((max(rows, 2 * len(self._sets)), self._sets.shape[1]), np.int64)
            sets[: len(self._sets)] = self._sets
            self._sets = sets

    def _mark(self, contexts: Sequence[PackedContext], size: I64, row: I32) -> None:
        """Add the papers that reach the floor of these contexts, of so many bytes, to their sets."""
        self._vectors = self._vectors or [_vectors_of(index, self._weights) for index in self.indexes]
        packed = np.array(np.frombuffer(b"".join([context.words for context in contexts]), np.uint8))
        at = np.concatenate((np.zeros(1, np.int64), np.cumsum(size)))
        floor = np.array([context.floor for context in contexts], np.int64)
        offset = 0
        for index, vectors in zip(self.indexes, self._vectors, strict=True):
            products = np.zeros(len(vectors.lengths), np.int32)
            mark_near(packed, at, row, floor, *vectors, offset, products, self._sets)
            offset += index.paper_count


def topic_texts(store: ProfileStore) -> list[str]:
    """The plain topics of all profiles that can have a context, each once."""
    stream, record = store.stream.view(), np.array(store.record, np.int64)
    is_topic = np.zeros(len(store.plain) + 1, bool)  # the last one is for muted topics
    is_topic[stream[concatenated_ranges(record + 1, stream[record] >> FLAG_BITS)]] = True
    queries = np.flatnonzero(is_topic[:-1] & np.array(store.plain, bool))
    begin, end = _terms_of(store, queries)
    texts = list(store.queries)
    return [texts[query] for query in queries[begin < end].tolist()]


def _terms_of(store: ProfileStore, queries: I64) -> tuple[I64, I64]:
    """Where the profile terms of each query begin and end."""
    term_at, profile_term_at = np.array(store.term_at, np.int64), np.array(store.profile_term_at, np.int64)
    return profile_term_at[term_at[queries]], profile_term_at[term_at[queries + 1]]


def _vectors_of(index: PaperIndex, weights: Weights) -> _IndexVectors:
    """The vectors of an index by an epoch's counts."""
    idf = np.array([word_idf(stem, weights) for stem in index.stems], np.int64)
    size = np.diff(index.post_at)
    norms = norm(index.length.astype(np.int64), weights.average_milli)
    impacts = impact(np.repeat(idf, size), index.post_tf.astype(np.int64), norms[index.post_paper])
    squares = np.bincount(index.post_paper, impacts.astype(np.float64) ** 2, index.paper_count)
    lengths = np.full(-(-index.paper_count // BLOCK) * BLOCK, np.inf)
    lengths[: index.paper_count] = np.maximum(1, np.floor(np.sqrt(squares)))  # exact: the sums are below 2⁵²
    is_frequent = frequent_words(size, index.paper_count)
    dense_row = np.where(is_frequent, np.cumsum(is_frequent) - 1, -1).astype(np.int32)
    dense = np.zeros((1 + np.count_nonzero(is_frequent), len(lengths)), np.int16)
    row = np.repeat(dense_row, size)
    dense[row[row >= 0], index.post_paper[row >= 0]] = impacts[row >= 0]
    # copies, because arrays of files are read-only, for which machine code would be compiled again
    post_at, post_paper = np.array(index.post_at), np.array(index.post_paper)
    stem_of_word = _stem_of_word(index, weights)
    return _IndexVectors(stem_of_word, post_at, post_paper, impacts.astype(np.int32), dense_row, dense, lengths)


def _stem_of_word(index: PaperIndex, weights: Weights) -> I32:
    """Of each of the epoch's words its stem in the index, −1 for none."""
    stem_of_word = np.full(len(weights.stems) or 1, -1, np.int32)
    numbers = [
        (weights.stem_numbers[text], stem) for stem, text in enumerate(index.stems) if text in weights.stem_numbers
    ]
    if numbers:
        word, stem = np.array(numbers, np.int32).T
        stem_of_word[word] = stem
    return stem_of_word
