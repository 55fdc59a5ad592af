"""Reasons of matches, in machine code: the gain of each topic is summed for a batch of papers at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.kernel.array_layout import (
    FOLLOWED,
    REASONS_BATCH,
    STRICT,
    CompiledProfiles,
    PaperArrays,
    Workspace,
)
from digest.matching.kernel.bitsets import contains
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.profile_decoding import (
    BITS,
    EXPLAIN,
    HOLDING,
    KEYS,
    OCCURS_AT,
    TIE,
    TOPIC_AT,
    TOPICS,
    UNIT_WEIGHT,
    WORDS,
    impact_of,
    position_of,
)
from digest.matching.kernel.simd import add_in_lanes, larger_in_lanes, lowest_bit


@inlined
def measure_notes(book: CompiledProfiles, day: PaperArrays, work: Workspace, answer: Any) -> int:
    """Compute where each topic's profile terms begin. Returns the bytes of one paper's note."""
    s = work.s
    occurs = terms = 0
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        work.topics[topic].occurs = occurs
        work.topics[topic].used = 0
        if query >= 0:
            occurs += day.heads[query].wants
            terms += book.queries[query + 1].term_at - book.queries[query].term_at if s[EXPLAIN] else 0
    work.topics[s[TOPICS]].occurs = occurs
    answer.masks = (s[BITS] + 7) >> 3
    answer.terms = (terms + 7) >> 3
    answer.topics = s[TOPICS] if s[EXPLAIN] else 0
    return int(answer.masks + answer.terms + answer.topics)


@inlined
def load_batch(book: CompiledProfiles, day: PaperArrays, work: Workspace, begin: int, number: int) -> None:
    """Load a batch of the best papers, with the topics that hold for them and the gain of each topic."""
    s = work.s
    for i in range(number):
        work.batch[i] = day.by_tie[work.best[begin + i] & TIE]
        work.place[work.batch[i]] = i
    for key in range(s[KEYS]):
        gains = work.gains[key]
        for i in range(REASONS_BATCH):
            gains[i] = -1
        if key < s[WORDS]:
            _gains(day, work, number, key)
    for topic in range(s[TOPICS]):
        work.topic_holds[topic] = 0
        for i in range(REASONS_BATCH):
            work.phrase_gains[topic, i] = 0
        query = book.stream[s[TOPIC_AT] + topic]
        if query >= 0 and day.heads[query].plain:
            head = day.heads[query]
            work.topic_holds[topic] = _standing(
                day, work, number, head.set, head.at, head.behind, topic, -1, head.wants
            )
        elif query >= 0:
            _show(book, day, work, number, topic)
    for topic in range(s[TOPICS]):
        _gain(book, day, work, topic)
    for i in range(number):
        work.place[work.batch[i]] = -1


@inlined
def _gains(day: PaperArrays, work: Workspace, number: int, key: int) -> None:
    """The gain of a word of plain topics in each paper of the batch."""
    word, weight, gains = work.plain[0, key], work.plain[1, key], work.gains[key]
    if day.words[word].row:
        row = day.dense[day.words[word].row]
        for i in range(number):
            impact = row[work.batch[i]]
            gains[i] = weight * impact - (impact == 0)
        return
    for at in range(day.words[word].at, day.words[word + 1].at):
        place = work.place[day.postings[at].paper]
        if place >= 0:
            gains[place] = weight * day.postings[at].impact


@inlined
def _standing(
    day: PaperArrays,
    work: Workspace,
    number: int,
    which: int,
    first: int,
    behind: int,
    topic: int,
    among: int,
    wants: int,
) -> int:
    """The papers of the batch for which an atom holds, as bits. A phrase also adds its extra gain to the topic."""
    bits = np.int64(0)
    if not which:
        for at in range(first, behind):
            place = work.place[day.atom_paper[at]]
            if place >= 0 and among >> place & 1:
                bits |= np.int64(1) << place
                work.phrase_gains[topic, place] += day.lift[at]
        return int(bits)
    row = day.sets[which]
    for i in range(number):
        bits |= np.int64(contains(row, work.batch[i])) << i
    bits &= among
    remaining = bits if wants > 1 else 0
    while remaining:
        place = lowest_bit(remaining)
        remaining &= remaining - 1
        work.phrase_gains[topic, place] += day.lift[position_of(day, first, behind, work.batch[place])]
    return int(bits)


@inlined
def _show(book: CompiledProfiles, day: PaperArrays, work: Workspace, number: int, topic: int) -> None:
    """Find the profile terms of a query in the papers for which both the query and the term match."""
    s, query = work.s, book.stream[work.s[TOPIC_AT] + topic]
    holds_in = np.int64(0)
    for i in range(number if s[HOLDING] >> topic & 1 else 0):
        holds_in |= np.int64(contains(work.of_topic[topic], work.batch[i])) << i
    work.topic_holds[topic] = holds_in
    occurs = work.topics[topic].occurs
    if not holds_in:
        for i in range(occurs, work.topics[topic + 1].occurs):
            work.found_in[i] = 0
        return
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        first, wants = book.terms[term].want_at, book.terms[term + 1].want_at - book.terms[term].want_at
        atom = book.terms[term].atom
        begin, behind = day.atom_at[atom], day.atom_at[atom + 1]
        found_in = _standing(day, work, number, day.atom_set[atom], begin, behind, topic, int(holds_in), wants)
        for i in range(wants):
            work.found_in[occurs + i] = found_in
            _fill(book, day, work, found_in, book.stream[s[OCCURS_AT] + occurs + i] & 0xFFFF, book.want[first + i])
        occurs += wants


@inlined
def _fill(book: CompiledProfiles, day: PaperArrays, work: Workspace, found_in: int, key: int, at: int) -> None:
    """Set the gain of a profile term in the papers that have it, unless it is set already."""
    want, gains = book.wants[at], work.gains[key]
    remaining = found_in & ~larger_in_lanes(gains, 0, -1)
    while remaining:
        place = lowest_bit(remaining)
        remaining &= remaining - 1
        gains[place] = UNIT_WEIGHT * (
            want.fixed if want.word < 0 else max(impact_of(day, work.batch[place], want.word), 0)
        )


@inlined
def _gain(book: CompiledProfiles, day: PaperArrays, work: Workspace, topic: int) -> None:
    """The gain of a topic in each paper of the batch, each key of a query once; -1 where nothing was found."""
    query, gain, holds_in = book.stream[work.s[TOPIC_AT] + topic], work.gain[topic], work.topic_holds[topic]
    for i in range(REASONS_BATCH):
        gain[i] = -1
    if query < 0:
        return
    plain, first, behind = day.heads[query].plain, work.topics[topic].occurs, work.topics[topic + 1].occurs
    for at in range(first, behind if plain or holds_in else first):
        key = book.stream[work.s[OCCURS_AT] + at] & 0xFFFF
        gains = work.gains[key]
        if plain:
            found_in = work.found_in[at] = larger_in_lanes(gains, 0, -1)
        else:
            found_in = work.found_in[at]
            for before in range(first, at):
                if book.stream[work.s[OCCURS_AT] + before] & 0xFFFF == key:
                    found_in &= ~work.found_in[before]
        add_in_lanes(gain, gains, found_in)
    add_in_lanes(gain, work.phrase_gains[topic], holds_in)


@inlined
def best_topic(work: Workspace, place: int) -> int:
    """The topic with the largest gain in a paper of the batch, the first of equals; -1 for none."""
    best_topic, most = -1, np.int32(-1)
    for topic in range(work.s[TOPICS]):
        if work.gain[topic, place] > most:
            best_topic, most = topic, work.gain[topic, place]
    return best_topic


@inlined
def kind_of(work: Workspace, place: int, followed: bool) -> int:
    """STRICT, FOLLOWED, both, or 0 for a close match."""
    holds_in = np.int64(0)
    for topic in range(work.s[TOPICS]):
        holds_in |= work.topic_holds[topic]
    return (STRICT if holds_in >> place & 1 else 0) | (FOLLOWED if followed else 0)
