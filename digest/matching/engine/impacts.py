"""Impacts of words in papers by an epoch's counts; frequent words also get a dense row of impacts by paper."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from digest.matching.engine.dense_rows import frequent_words, to_bitsets
from digest.matching.engine.join import JoinedIndex
from digest.matching.engine.segments import concatenated_ranges, segment_starts
from digest.matching.kernel.array_layout import HEAD, I16, I32, I64, POSTING, WORD, CompiledProfiles, Rows
from digest.matching.kernel.score_accumulation import compute_phrase_gains
from digest.matching.scoring.bm25 import Weights, impact, norm
from digest.matching.scoring.parameters import FLOOR_WORDS, TOPIC_WEIGHT


class Impacts(NamedTuple):
    """Impacts by an epoch's counts; `array_layout.PaperArrays` describes the arrays."""

    words: Rows
    postings: Rows
    dense: I16
    word_sets: I64
    heads: Rows
    phrase_gain: I32


def compute_impacts(joined: JoinedIndex, idf: I32, profiles: CompiledProfiles, weights: Weights) -> Impacts:
    """Compute the impact of each word in each paper."""
    norms = norm(joined.length.astype(np.int64), weights.average_milli)
    impacts = impact(idf[joined.word].astype(np.int64), joined.tf.astype(np.int64), norms[joined.paper]).astype(
        np.int32
    )
    words = np.zeros(len(idf) + 1, WORD)
    words["at"], words["idf"][:-1] = segment_starts(joined.word, len(idf)), idf
    np.maximum.at(words["max_impact"], joined.word, impacts)
    postings = np.empty(len(impacts), POSTING)
    postings["paper"], postings["impact"] = joined.paper, impacts
    is_frequent = frequent_words(np.diff(words["at"]), len(joined.ids))
    is_frequent[joined.word[impacts == 0]] = False  # 0 in a dense row means that the paper lacks the word
    words["row"][:-1][is_frequent] = 1 + np.arange(np.count_nonzero(is_frequent))
    dense = np.zeros((1 + np.count_nonzero(is_frequent), 64 * joined.sets.shape[1]), np.int16)
    row = words["row"][joined.word]
    dense[row[row > 0], joined.paper[row > 0]] = impacts[row > 0]
    heads, phrase_gain = _query_heads(joined, profiles, idf), np.zeros(len(joined.atom_paper), np.int32)
    result = Impacts(words, postings, dense, to_bitsets(dense > 0), heads, phrase_gain)
    compute_phrase_gains(profiles, joined.atom_at, joined.atom_paper, result)
    return result


def _query_heads(joined: JoinedIndex, profiles: CompiledProfiles, idf: I32) -> Rows:
    """The fields of each query that the kernel reads first, side by side."""
    queries = profiles.queries[:-1]  # the last one is none
    heads, atom = np.empty(len(queries), HEAD), queries["atom"]
    heads["plain"], heads["profile_terms"] = queries["plain"], queries["profile_terms"]
    heads["at"], heads["end"] = joined.atom_at[atom], joined.atom_at[1:][atom]
    heads["set"] = joined.atom_set[atom]
    heads["title_at"], heads["title_end"] = joined.title_at[atom], joined.title_at[1:][atom]
    heads["floor"] = _floors(profiles, idf)
    return heads


def _floors(profiles: CompiledProfiles, idf: I32) -> I32:
    """The sum of each query's four largest idfs with the weight of one topic; −1 for a query without words."""
    idf = np.append(idf, np.int32(0))  # fields without words
    idfs = idf[profiles.profile_terms["word"][profiles.profile_term_ids]].astype(np.int64)
    term_starts = profiles.terms["profile_term_at"][profiles.queries["term_at"]]
    sizes = np.diff(term_starts)
    sums = np.concatenate(([0], np.cumsum(idfs)))
    floors = TOPIC_WEIGHT * np.where(sizes > 0, sums[term_starts[1:]] - sums[term_starts[:-1]], 0)
    is_long = sizes > FLOOR_WORDS
    terms = concatenated_ranges(term_starts[:-1][is_long], sizes[is_long])
    query = np.repeat(np.flatnonzero(is_long), sizes[is_long])
    terms = terms[np.lexsort((-idfs[terms], query))]
    is_heavy = concatenated_ranges(np.zeros_like(sizes[is_long]), sizes[is_long]) < FLOOR_WORDS
    heaviest = np.bincount(query[is_heavy], idfs[terms[is_heavy]], len(sizes)).astype(np.int64)
    floors[is_long] = TOPIC_WEIGHT * heaviest[is_long]
    floors[sizes == 0] = -1
    return floors.astype(np.int32)
