"""Why a paper was found, in machine code: the topics that tell, the best first, and the terms that matched."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.arrays import FOLLOWED, STRICT, Book, Day, Found, Work
from digest.matching.jit import lean
from digest.matching.profiles import BEFORE, EXPLAIN, PAPER, PLAIN_TOPICS, SERIAL, TOPIC_AT, TOPICS
from digest.matching.sets import holds


@lean
def number(book: Book, work: Work, answer: Any) -> int:
    """Number the profile's terms for masks. Returns how many bytes a paper's notes take."""
    s = work.s
    bits = terms = 0
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        first, last = book.queries[query].term_at, book.queries[query + 1].term_at
        terms += last - first
        for at in range(book.terms[first].want_at, book.terms[last].want_at):
            want = work.wants[book.want[at]]
            if want.bit_stamp != s[SERIAL]:
                want.bit_stamp, want.bit = s[SERIAL], bits
                bits += 1
    answer.masks = (bits + 7) >> 3
    answer.terms = (terms + 7) >> 3 if s[EXPLAIN] else 0
    answer.topics = s[TOPICS] if s[EXPLAIN] else 0
    return int(answer.masks + answer.terms + answer.topics)


@lean
def held_by(work: Work, paper: int) -> int:
    """The topics that hold as written, as bits."""
    return int(work.papers[paper].held if work.papers[paper].stamp == work.s[SERIAL] else 0)


@lean
def reasons(book: Book, day: Day, work: Work, paper: int) -> int:
    """Put the topics that found something in the paper just weighed into `told`, best first. Returns how many."""
    s = work.s
    held = held_by(work, paper)
    n = 0
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        if query < 0 or not ((held | s[PLAIN_TOPICS]) >> topic & 1):
            continue
        gain = _gain(book, day, work, paper, query)
        if gain < 0 and not (held >> topic & 1):
            continue
        gain = max(gain, 0)
        place = n
        while place > 0 and work.topics[place - 1].gain < gain:
            work.topics[place].told, work.topics[place].gain = work.topics[place - 1].told, work.topics[place - 1].gain
            place -= 1
        work.topics[place].told, work.topics[place].gain = topic, gain
        n += 1
    return n


@lean
def _gain(book: Book, day: Day, work: Work, paper: int, query: int) -> int:
    """What a topic gives, each key once; −1 where it found nothing."""
    total = np.int64(-1)
    work.s[BEFORE] += 1
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        if not book.queries[query].plain and not holds(day, book.terms[term].atom, paper):
            continue
        for at in range(book.terms[term].want_at, book.terms[term + 1].want_at):
            want = book.want[at]
            if _found(book, work, want):
                key = work.keys[work.wants[book.wants[want].key].local]
                if key.counted != work.s[BEFORE]:
                    key.counted = work.s[BEFORE]
                    total = max(total, 0) + key.gain
    return int(total)


@lean
def _found(book: Book, work: Work, want: int) -> bool:
    """True where the paper just weighed has what is wanted."""
    key = work.wants[book.wants[want].key]
    return bool(key.key_stamp == work.s[SERIAL] and work.keys[key.local].got == work.s[PAPER])


@lean
def note(book: Book, day: Day, work: Work, paper: int, told: int, found: Found, at: int, answer: Any) -> None:
    """Write down why: the mask; and if asked for the terms by which topics hold, and the topics told.

    Behind the first, a topic that doesn't hold is told only if most of its words are there and one is new.
    """
    held = held_by(work, paper)
    tell = at + answer.masks + answer.terms
    for i in range(at, tell + answer.topics):
        found.notes[i] = 0 if i < tell else 255
    for i in range(told):
        topic = work.topics[i].told
        query = book.stream[work.s[TOPIC_AT] + topic]
        marks = _mark(book, day, work, paper, query, found, at)
        holding = held >> topic & 1
        if answer.topics:
            first, last = book.queries[query].term_at, book.queries[query + 1].term_at
            wants = book.terms[last].want_at - book.terms[first].want_at
            if holding or i == 0 or marks > wants:
                found.notes[tell] = topic
                tell += 1
            if holding:
                _show(book, day, work, paper, topic, found, at + answer.masks)


@lean
def _mark(book: Book, day: Day, work: Work, paper: int, query: int, found: Found, at: int) -> int:
    """Set the mask's bits of a topic. Returns twice how many it has, 0 if none of them is new."""
    bits, fresh = 0, 0
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        if not book.queries[query].plain and not holds(day, book.terms[term].atom, paper):
            continue
        for i in range(book.terms[term].want_at, book.terms[term + 1].want_at):
            want = book.want[i]
            if _found(book, work, want):
                bit = work.wants[want].bit
                bits += 1
                if not found.notes[at + (bit >> 3)] >> (bit & 7) & 1:
                    fresh = 1
                    found.notes[at + (bit >> 3)] |= 1 << (bit & 7)
    return 2 * bits * fresh


@lean
def _show(book: Book, day: Day, work: Work, paper: int, topic: int, found: Found, at: int) -> None:
    """Set the bits of the terms by which a topic holds, numbered through the profile."""
    bit = 0
    for before in range(topic):
        query = book.stream[work.s[TOPIC_AT] + before]
        if query >= 0:
            bit += book.queries[query + 1].term_at - book.queries[query].term_at
    query = book.stream[work.s[TOPIC_AT] + topic]
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        if holds(day, book.terms[term].atom, paper):
            found.notes[at + (bit >> 3)] |= 1 << (bit & 7)
        bit += 1


@lean
def kind_of(work: Work, paper: int) -> int:
    """STRICT, FOLLOWED, both, or 0 for a close match."""
    if work.papers[paper].stamp != work.s[SERIAL]:
        return 0
    return int((STRICT if work.papers[paper].held else 0) | (work.papers[paper].kind & FOLLOWED))
