"""Sum relevances, in machine code: frequent words by dense rows with vector instructions, others by their postings."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.kernel.array_layout import I32, I64, CompiledProfiles, PaperArrays, Workspace
from digest.matching.kernel.bitsets import BLOCKS, CERTAIN, STACK, add_atom, clear, contains, is_not_empty
from digest.matching.kernel.jit import entry, inlined
from digest.matching.kernel.profile_decoding import (
    AUTHOR_AT,
    AUTHOR_IMPACT,
    FOLLOWS,
    HOLDING,
    KEYS,
    LIKE_AT,
    OCCURS_AT,
    TOGETHER,
    TOPIC_AT,
    TOPICS,
    UNIT_WEIGHT,
    WORDS,
    impact_of,
)
from digest.matching.kernel.simd import add_rows, lowest_bit


@inlined
def add_all(day: PaperArrays, work: Workspace, words: I32, number: int, blocks: I64, sums: I32) -> None:
    """Write the weighted sums of words (numbers in the first line, weights in the second) for the blocks of 64 papers.

    Rows of weight 16 come first, as long as their sums are certain to fit into 16 bits.
    """
    ones, back = 0, work.rows.shape[1]
    for i in range(number):
        row, weight = day.words[words[0, i]].row, words[1, i]
        if not row:
            continue
        if weight == UNIT_WEIGHT and ones < work.s[TOGETHER]:
            work.rows[0, ones] = row
            ones += 1
        else:
            back -= 1
            work.rows[0, back], work.rows[1, back] = row, weight
    add_rows(day.dense, work.rows, ones, back, blocks, sums)
    for i in range(number):
        word, weight = words[0, i], words[1, i]
        if not day.words[word].row:
            for at in range(day.words[word].at, day.words[word + 1].at):
                sums[day.postings[at].paper] += weight * day.postings[at].impact


@entry
def lift_phrases(book: CompiledProfiles, atom_at: I32, atom_paper: I32, weighed: Any) -> None:
    """Write the extra gain of each phrase in its papers: the sum of its words' impacts; 0 for single words."""
    for term in range(len(book.terms) - 1):
        atom, first, behind = book.terms[term].atom, book.terms[term].want_at, book.terms[term + 1].want_at
        begin, end = atom_at[atom], atom_at[atom + 1]
        words = 0
        for i in range(first, behind if begin < end and not weighed.lift[begin] else first):
            words += book.wants[book.want[i]].word >= 0
        for at in range(begin, end if words > 1 else begin):
            total = np.int64(0)
            for i in range(first, behind):
                total += max(impact_of(weighed, atom_paper[at], book.wants[book.want[i]].word), 0)
            weighed.lift[at] = UNIT_WEIGHT * total


@inlined
def add_phrases(book: CompiledProfiles, day: PaperArrays, work: Workspace) -> None:
    """Add the phrase gains of plain topics that match as phrases."""
    for topic in range(work.s[TOPICS]):
        query = book.stream[work.s[TOPIC_AT] + topic]
        if query >= 0 and day.heads[query].plain and day.heads[query].wants > 1:
            for at in range(day.heads[query].at, day.heads[query].behind):
                work.sums[day.atom_paper[at]] += day.lift[at]


@inlined
def add_extras(book: CompiledProfiles, day: PaperArrays, work: Workspace) -> None:
    """Add the gains of queries and followed authors to the certain matches, each key once."""
    s = work.s
    if not s[HOLDING] and not s[FOLLOWS]:
        return
    for key in range(s[KEYS] - s[WORDS]):
        clear(work.of_key[key])
    occurs = s[OCCURS_AT]
    for topic in range(s[TOPICS] if s[HOLDING] else 0):
        query = book.stream[s[TOPIC_AT] + topic]
        if s[HOLDING] >> topic & 1:
            _where_shown(book, day, work, topic, occurs)
        occurs += day.heads[query].wants if query >= 0 else 0
    at = s[AUTHOR_AT]
    for i in range(book.stream[at] if s[FOLLOWS] else 0):
        clear(work.sets[STACK])
        add_atom(day, work.sets[STACK], book.stream[at + 1 + 2 * i])
        key = book.stream[at + 2 + 2 * i] - s[WORDS]
        work.wants[key] = -1
        _count(work, key)
    for key in range(s[KEYS] - s[WORDS]):
        if is_not_empty(work.of_key[key]):
            _add_key(book, day, work, key)


@inlined
def _where_shown(book: CompiledProfiles, day: PaperArrays, work: Workspace, topic: int, occurs: int) -> None:
    """Count a query's keys where the query and the key's term match, and add the gains of its phrases."""
    query = book.stream[work.s[TOPIC_AT] + topic]
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        first, atom = book.terms[term].want_at, book.terms[term].atom
        wants = book.terms[term + 1].want_at - first
        if day.atom_at[atom] < day.atom_at[atom + 1]:
            clear(work.sets[STACK])
            add_atom(day, work.sets[STACK], atom)
            for j in range(work.sets.shape[1]):
                work.sets[STACK, j] &= work.of_topic[topic, j]
            for i in range(wants):
                key = (book.stream[occurs + i] & 0xFFFF) - work.s[WORDS]
                if key >= 0:
                    work.wants[key] = book.want[first + i]
                    _count(work, key)
            for at in range(day.atom_at[atom], day.atom_at[atom + 1] if wants > 1 else 0):
                if contains(work.of_topic[topic], day.atom_paper[at]):
                    work.sums[day.atom_paper[at]] += day.lift[at]
        occurs += wants


@inlined
def _count(work: Workspace, key: int) -> None:
    """Count a key for the certain matches on the stack."""
    for j in range(work.sets.shape[1]):
        work.of_key[key, j] |= work.sets[STACK, j] & work.sets[CERTAIN, j]


@inlined
def _add_key(book: CompiledProfiles, day: PaperArrays, work: Workspace, key: int) -> None:
    """Add one key's impact to the papers that it counts for."""
    row, want = work.of_key[key], work.wants[key]
    word, fixed = (book.wants[want].word, book.wants[want].fixed) if want >= 0 else (-1, AUTHOR_IMPACT)
    if word >= 0 and not day.words[word].row:
        for at in range(day.words[word].at, day.words[word + 1].at):
            if contains(row, day.postings[at].paper):
                work.sums[day.postings[at].paper] += UNIT_WEIGHT * day.postings[at].impact
        return
    dense = day.dense[day.words[max(word, 0)].row]
    for j in range(len(row)):
        bits = row[j]
        while bits:
            paper = (j << 6) + lowest_bit(bits)
            bits &= bits - 1
            work.sums[paper] += UNIT_WEIGHT * (fixed if word < 0 else dense[paper])


@inlined
def add_likes(book: CompiledProfiles, day: PaperArrays, work: Workspace) -> None:
    """Write the sums of words of liked papers into `like_gains`."""
    at = work.s[LIKE_AT]
    for i in range(book.stream[at]):
        work.liked[0, i], work.liked[1, i] = book.stream[at + 1 + 2 * i], book.stream[at + 2 + 2 * i]
    add_all(day, work, work.liked, book.stream[at], work.sets[BLOCKS], work.lifts)
