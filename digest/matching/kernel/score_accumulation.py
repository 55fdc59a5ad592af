"""Sum relevances, in machine code: frequent words by dense rows with vector instructions, others by their postings."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.kernel.array_layout import I32, I64, CompiledProfiles, PaperArrays, Workspace
from digest.matching.kernel.bitsets import CERTAIN, STACK, SUMMED, add_atom, clear, contains, is_not_empty
from digest.matching.kernel.jit import entry, inlined
from digest.matching.kernel.profile_decoding import (
    AUTHOR_AT,
    AUTHOR_IMPACT,
    HAS_FOLLOWED,
    KEY_COUNT,
    LIKE_AT,
    MAX_UNIT_ROWS,
    PROFILE_TERMS_AT,
    SATISFIED_TOPICS,
    TOPIC_AT,
    TOPIC_COUNT,
    UNIT_WEIGHT,
    WORD_COUNT,
    impact_of,
)
from digest.matching.kernel.simd import add_rows, lowest_bit


@inlined
def add_word_sums(index: PaperArrays, workspace: Workspace, words: I32, count: int, blocks: I64, sums: I32) -> None:
    """Write the weighted sums of words (numbers in the first line, weights in the second) for the blocks of 64 papers.

    Rows of weight 16 come first, as long as their sums are certain to fit into 16 bits.
    """
    unit_rows, other_rows = 0, workspace.rows.shape[1]
    for i in range(count):
        row, weight = index.words[words[0, i]].row, words[1, i]
        if not row:
            continue
        if weight == UNIT_WEIGHT and unit_rows < workspace.scalars[MAX_UNIT_ROWS]:
            workspace.rows[0, unit_rows] = row
            unit_rows += 1
        else:
            other_rows -= 1
            workspace.rows[0, other_rows], workspace.rows[1, other_rows] = row, weight
    add_rows(index.dense, workspace.rows, unit_rows, other_rows, blocks, sums)
    for i in range(count):
        word, weight = words[0, i], words[1, i]
        if not index.words[word].row:
            for j in range(index.words[word].at, index.words[word + 1].at):
                sums[index.postings[j].paper] += weight * index.postings[j].impact


@entry
def compute_phrase_gains(profiles: CompiledProfiles, atom_at: I32, atom_paper: I32, paper_arrays: Any) -> None:
    """Write the extra gain of each phrase in its papers: the sum of its words' impacts; 0 for single words."""
    for term in range(len(profiles.terms) - 1):
        atom, first_term, end_term = (
            profiles.terms[term].atom,
            profiles.terms[term].profile_term_at,
            profiles.terms[term + 1].profile_term_at,
        )
        begin, end = atom_at[atom], atom_at[atom + 1]
        words = 0
        for i in range(first_term, end_term if begin < end and not paper_arrays.phrase_gain[begin] else first_term):
            words += profiles.profile_terms[profiles.profile_term_ids[i]].word >= 0
        for i_paper in range(begin, end if words > 1 else begin):
            total = np.int64(0)
            for i in range(first_term, end_term):
                total += max(
                    impact_of(
                        paper_arrays, atom_paper[i_paper], profiles.profile_terms[profiles.profile_term_ids[i]].word
                    ),
                    0,
                )
            paper_arrays.phrase_gain[i_paper] = UNIT_WEIGHT * total


@inlined
def add_phrases(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace) -> None:
    """Add the phrase gains of plain topics that match as phrases."""
    for topic in range(workspace.scalars[TOPIC_COUNT]):
        query = profiles.stream[workspace.scalars[TOPIC_AT] + topic]
        if query >= 0 and index.query_heads[query].plain and index.query_heads[query].profile_terms > 1:
            for i in range(index.query_heads[query].at, index.query_heads[query].end):
                workspace.sums[index.atom_paper[i]] += index.phrase_gain[i]


@inlined
def add_extras(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace) -> None:
    """Add the gains of queries and followed authors to the certain matches, each key once."""
    s = workspace.scalars
    if not s[SATISFIED_TOPICS] and not s[HAS_FOLLOWED]:
        return
    for key in range(s[KEY_COUNT] - s[WORD_COUNT]):
        clear(workspace.key_sets[key])
    first_term = s[PROFILE_TERMS_AT]
    for topic in range(s[TOPIC_COUNT] if s[SATISFIED_TOPICS] else 0):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if s[SATISFIED_TOPICS] >> topic & 1:
            _add_query_terms(profiles, index, workspace, topic, first_term)
        first_term += index.query_heads[query].profile_terms if query >= 0 else 0
    offset = s[AUTHOR_AT]
    for i in range(profiles.stream[offset] if s[HAS_FOLLOWED] else 0):
        clear(workspace.sets[STACK])
        add_atom(index, workspace.sets[STACK], profiles.stream[offset + 1 + 2 * i])
        key = profiles.stream[offset + 2 + 2 * i] - s[WORD_COUNT]
        workspace.profile_term_of_key[key] = -1
        _count_key(workspace, key)
    for key in range(s[KEY_COUNT] - s[WORD_COUNT]):
        if is_not_empty(workspace.key_sets[key]):
            _add_key(profiles, index, workspace, key)


@inlined
def _add_query_terms(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, topic: int, first_term: int
) -> None:
    """Count a query's keys where the query and the key's term match, and add the gains of its phrases."""
    query = profiles.stream[workspace.scalars[TOPIC_AT] + topic]
    for term in range(profiles.queries[query].term_at, profiles.queries[query + 1].term_at):
        first, atom = profiles.terms[term].profile_term_at, profiles.terms[term].atom
        term_count = profiles.terms[term + 1].profile_term_at - first
        if index.atom_at[atom] < index.atom_at[atom + 1]:
            clear(workspace.sets[STACK])
            add_atom(index, workspace.sets[STACK], atom)
            for j in range(workspace.sets.shape[1]):
                workspace.sets[STACK, j] &= workspace.topic_sets[topic, j]
            for i in range(term_count):
                key = (profiles.stream[first_term + i] & 0xFFFF) - workspace.scalars[WORD_COUNT]
                if key >= 0:
                    workspace.profile_term_of_key[key] = profiles.profile_term_ids[first + i]
                    _count_key(workspace, key)
            for position in range(index.atom_at[atom], index.atom_at[atom + 1] if term_count > 1 else 0):
                if contains(workspace.topic_sets[topic], index.atom_paper[position]):
                    workspace.sums[index.atom_paper[position]] += index.phrase_gain[position]
        first_term += term_count


@inlined
def _count_key(workspace: Workspace, key: int) -> None:
    """Count a key for the certain matches on the stack."""
    for j in range(workspace.sets.shape[1]):
        workspace.key_sets[key, j] |= workspace.sets[STACK, j] & workspace.sets[CERTAIN, j]


@inlined
def _add_key(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, key: int) -> None:
    """Add one key's impact to the papers that it counts for."""
    row, profile_term = workspace.key_sets[key], workspace.profile_term_of_key[key]
    word, fixed = (
        (profiles.profile_terms[profile_term].word, profiles.profile_terms[profile_term].fixed)
        if profile_term >= 0
        else (-1, AUTHOR_IMPACT)
    )
    if word >= 0 and not index.words[word].row:
        for i in range(index.words[word].at, index.words[word + 1].at):
            if contains(row, index.postings[i].paper):
                workspace.sums[index.postings[i].paper] += UNIT_WEIGHT * index.postings[i].impact
        return
    dense = index.dense[index.words[max(word, 0)].row]
    for j in range(len(row)):
        bits = row[j]
        while bits:
            paper = (j << 6) + lowest_bit(bits)
            bits &= bits - 1
            workspace.sums[paper] += UNIT_WEIGHT * (fixed if word < 0 else dense[paper])


@inlined
def add_likes(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace) -> None:
    """Write the sums of words of liked papers into `like_gains`."""
    offset = workspace.scalars[LIKE_AT]
    for i in range(profiles.stream[offset]):
        workspace.liked_words[0, i], workspace.liked_words[1, i] = (
            profiles.stream[offset + 1 + 2 * i],
            profiles.stream[offset + 2 + 2 * i],
        )
    add_word_sums(
        index, workspace, workspace.liked_words, profiles.stream[offset], workspace.sets[SUMMED], workspace.like_gains
    )
