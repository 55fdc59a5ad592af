"""Why a paper was found, in machine code: the topics that tell, the best first, and the terms that matched."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.arrays import FOLLOWED, STRICT, Book, Day, Found, Work
from digest.matching.jit import lean
from digest.matching.profiles import (
    AUTHOR,
    AUTHOR_AT,
    BITS,
    COUNTED,
    EXPLAIN,
    HOLDING,
    KEYS,
    OCCURS_AT,
    ONE,
    TOPIC_AT,
    TOPICS,
    WORDS,
    look,
)
from digest.matching.sets import has, holds


@lean
def measure(book: Book, work: Work, answer: Any) -> int:
    """Where each topic's wants begin. Returns how many bytes a paper's notes take."""
    s = work.s
    occurs = terms = 0
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        work.topics[topic].occurs = occurs
        work.topics[topic].used = 0
        if query >= 0:
            occurs += book.queries[query].wants
            terms += book.queries[query + 1].term_at - book.queries[query].term_at
    work.topics[s[TOPICS]].occurs = occurs
    answer.masks = (s[BITS] + 7) >> 3
    answer.terms = (terms + 7) >> 3 if s[EXPLAIN] else 0
    answer.topics = s[TOPICS] if s[EXPLAIN] else 0
    return int(answer.masks + answer.terms + answer.topics)


@lean
def held_by(book: Book, day: Day, work: Work, paper: int) -> int:
    """The topics that hold as written, as bits."""
    s = work.s
    held = np.int64(0)
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        if book.queries[query].plain:
            held |= np.int64(holds(day, book.queries[query].atom, paper)) << topic
        elif s[HOLDING] >> topic & 1:
            held |= np.int64(has(work.of_topic[topic], paper)) << topic
    return int(held)


@lean
def weigh(book: Book, day: Day, work: Work, paper: int, held: int, followed: bool) -> None:
    """What each key gives in a paper, and which wants are found in it."""
    s = work.s
    for key in range(s[WORDS]):
        impact = look(day, paper, work.plain[0, key])
        work.gains[key] = work.plain[1, key] * impact if impact >= 0 else -1
    for key in range(s[WORDS], s[KEYS]):
        work.gains[key] = -1
    for topic in range(s[TOPICS] if s[HOLDING] else 0):
        if s[HOLDING] >> topic & 1:
            _show(book, day, work, paper, topic, held >> topic & 1 != 0)
    at = s[AUTHOR_AT]
    for i in range(book.stream[at] if followed else 0):
        if holds(day, book.stream[at + 1 + 2 * i], paper):
            work.gains[book.stream[at + 2 + 2 * i]] = ONE * AUTHOR


@lean
def _show(book: Book, day: Day, work: Work, paper: int, topic: int, held: bool) -> None:
    """The wants of a query that holds are found where their terms hold; each key counts once."""
    query, i = book.stream[work.s[TOPIC_AT] + topic], work.topics[topic].occurs
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        shown = held and holds(day, book.terms[term].atom, paper)
        for at in range(book.terms[term].want_at, book.terms[term + 1].want_at):
            work.shown[i] = shown
            key = book.stream[work.s[OCCURS_AT] + i] & 0xFFFF
            if shown and work.gains[key] < 0:
                want = book.wants[book.want[at]]
                work.gains[key] = ONE * (want.fixed if want.word < 0 else max(look(day, paper, want.word), 0))
            i += 1


@lean
def reasons(book: Book, work: Work, held: int) -> int:
    """Put the topics that found something in the paper just weighed into `told`, best first. Returns how many."""
    s = work.s
    n = 0
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        holding = held >> topic & 1
        gain = -1
        if book.queries[query].plain:
            gain = _gain(book, work, topic)
        elif holding:
            gain = _gain_once(book, work, topic)
        if gain < 0 and not holding:
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
def _gain(book: Book, work: Work, topic: int) -> int:
    """What a plain topic gives; −1 where it found nothing."""
    total = np.int64(-1)
    for i in range(work.topics[topic].occurs, work.topics[topic + 1].occurs):
        gain = work.gains[book.stream[work.s[OCCURS_AT] + i] & 0xFFFF]
        work.shown[i] = gain >= 0
        if gain >= 0:
            total = max(total, 0) + gain
    return int(total)


@lean
def _gain_once(book: Book, work: Work, topic: int) -> int:
    """What a query gives, each key once; −1 where it found nothing."""
    total = np.int64(-1)
    work.s[COUNTED] += 1
    for i in range(work.topics[topic].occurs, work.topics[topic + 1].occurs):
        key = book.stream[work.s[OCCURS_AT] + i] & 0xFFFF
        if work.shown[i] and work.counted[key] != work.s[COUNTED]:
            work.counted[key] = work.s[COUNTED]
            total = max(total, 0) + work.gains[key]
    return int(total)


@lean
def note(
    book: Book, day: Day, work: Work, paper: int, held: int, told: int, found: Found, at: int, answer: Any
) -> None:
    """Write down why: the mask; and if asked for the terms by which topics hold, and the topics told.

    Behind the first, a topic that doesn't hold is told only if most of its words are there and one is new.
    """
    tell = at + answer.masks + answer.terms
    for i in range(at, tell + answer.topics):
        found.notes[i] = 0 if i < tell else 255
    for i in range(told):
        topic = work.topics[i].told
        marks = _mark(book, work, topic, found, at)
        if answer.topics:
            wants = work.topics[topic + 1].occurs - work.topics[topic].occurs
            if held >> topic & 1 or i == 0 or marks > wants:
                found.notes[tell] = topic
                tell += 1
            if held >> topic & 1:
                _terms(book, day, work, paper, topic, found, at + answer.masks)


@lean
def _mark(book: Book, work: Work, topic: int, found: Found, at: int) -> int:
    """Set the mask's bits of a topic. Returns twice how many it has, 0 if none of them is new."""
    bits, fresh = 0, 0
    for i in range(work.topics[topic].occurs, work.topics[topic + 1].occurs):
        if work.shown[i]:
            bit = book.stream[work.s[OCCURS_AT] + i] >> 16
            byte = at + (bit >> 3)
            fresh |= ~(found.notes[byte] >> (bit & 7)) & 1
            found.notes[byte] |= 1 << (bit & 7)
            bits += 1
    return 2 * bits if fresh else 0


@lean
def _terms(book: Book, day: Day, work: Work, paper: int, topic: int, found: Found, at: int) -> None:
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
def kind_of(held: int, followed: bool) -> int:
    """STRICT, FOLLOWED, both, or 0 for a close match."""
    return (STRICT if held else 0) | (FOLLOWED if followed else 0)
