"""Notes that explain a match, in machine code: the mask of terms, the topics, and the terms by which they match."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.kernel.array_layout import CompiledProfiles, MatchArrays, PaperArrays, Workspace
from digest.matching.kernel.bitsets import holds
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.profile_decoding import OCCURS_AT, TOPIC_AT, TOPICS


@inlined
def _reasons(work: Workspace, place: int) -> int:
    """Sort the topics with a gain in a paper of the batch, best first. Returns their number."""
    count = 0
    for topic in range(work.s[TOPICS]):
        gain = work.gain[topic, place]
        if gain < 0:
            continue
        last = count
        while last > 0 and work.topics[last - 1].gain < gain:
            work.topics[last].told, work.topics[last].gain = work.topics[last - 1].told, work.topics[last - 1].gain
            last -= 1
        work.topics[last].told, work.topics[last].gain = topic, gain
        count += 1
    return count


@inlined
def write_note(
    book: CompiledProfiles, day: PaperArrays, work: Workspace, place: int, output: MatchArrays, at: int, answer: Any
) -> None:
    """Write a note: the mask and, with explanations, the terms by which topics hold and the topics.

    After the first, a topic that does not hold is listed only if most of its words match and one of them is new.
    """
    if not answer.topics:
        _mask(book, work, place, output, at, answer.masks)
        return
    topic_at = at + answer.masks + answer.terms
    for i in range(at, topic_at + answer.topics):
        output.notes[i] = 0 if i < topic_at else 255
    for i in range(_reasons(work, place)):
        topic = work.topics[i].told
        topic_holds = work.topic_holds[topic] >> place & 1
        marks = _mark(book, work, place, topic, output, at)
        if topic_holds or i == 0 or marks > work.topics[topic + 1].occurs - work.topics[topic].occurs:
            output.notes[topic_at] = topic
            topic_at += 1
        if topic_holds:
            _terms(book, day, work, work.batch[place], topic, output, at + answer.masks)


@inlined
def _mask(book: CompiledProfiles, work: Workspace, place: int, output: MatchArrays, at: int, size: int) -> None:
    """The mask alone, eight bytes at a time."""
    for begin in range(0, size, 8):
        mask = np.int64(0)
        for i in range(work.topics[work.s[TOPICS]].occurs):
            bit = (book.stream[work.s[OCCURS_AT] + i] >> 16) - (begin << 3)
            mask |= (work.found_in[i] >> place & 1) << bit if 0 <= bit < 64 else 0
        for i in range(begin, min(begin + 8, size)):
            output.notes[at + i] = mask & 255
            mask >>= 8


@inlined
def _mark(book: CompiledProfiles, work: Workspace, place: int, topic: int, output: MatchArrays, at: int) -> int:
    """Set a topic's bits in the mask. Returns twice their number, 0 if none of them is new."""
    bits, fresh = 0, 0
    for i in range(work.topics[topic].occurs, work.topics[topic + 1].occurs):
        if work.found_in[i] >> place & 1:
            bit = book.stream[work.s[OCCURS_AT] + i] >> 16
            byte = at + (bit >> 3)
            fresh |= ~(output.notes[byte] >> (bit & 7)) & 1
            output.notes[byte] |= 1 << (bit & 7)
            bits += 1
    return 2 * bits if fresh else 0


@inlined
def _terms(
    book: CompiledProfiles, day: PaperArrays, work: Workspace, paper: int, topic: int, output: MatchArrays, at: int
) -> None:
    """Set the bits of the terms by which a topic holds, numbered through the profile."""
    bit = 0
    for before in range(topic):
        query = book.stream[work.s[TOPIC_AT] + before]
        if query >= 0:
            bit += book.queries[query + 1].term_at - book.queries[query].term_at
    query = book.stream[work.s[TOPIC_AT] + topic]
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        if holds(day, book.terms[term].atom, paper):
            output.notes[at + (bit >> 3)] |= 1 << (bit & 7)
        bit += 1
