"""Why a paper was found, in machine code: the topics that tell, the best first, and the terms that matched."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.arrays import FOLLOWED, STRICT, Book, Day, Found, Work
from digest.matching.jit import lean
from digest.matching.profiles import (
    AUTHOR,
    AUTHOR_AT,
    BEFORE,
    EXPLAIN,
    HOLDING,
    KEYS,
    ONE,
    PAPER,
    PLAIN,
    SERIAL,
    TOPIC_AT,
    TOPICS,
    WEIGHT,
    look,
)
from digest.matching.sets import has, holds


@lean
def learn(book: Book, work: Work, answer: Any) -> int:
    """Number what the profile wants, in its order: bits of masks, and its own keys, those of plain topics first.

    Returns how many bytes a paper's notes take.
    """
    s = work.s
    s[KEYS] = 0
    _keys(book, work, 1)
    s[PLAIN] = s[KEYS]
    for key in range(s[PLAIN]):
        work.keys[key].weight = WEIGHT[work.keys[key].times]
    _keys(book, work, 0)
    bits = terms = i = 0
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        work.topics[topic].begin = i
        if query < 0:
            continue
        first, last = book.queries[query].term_at, book.queries[query + 1].term_at
        terms += last - first
        for at in range(book.terms[first].want_at, book.terms[last].want_at):
            want = work.wants[book.want[at]]
            if want.bit_stamp != s[SERIAL]:
                want.bit_stamp, want.bit = s[SERIAL], bits
                bits += 1
            work.bits[i], work.local[i] = want.bit, work.wants[book.wants[book.want[at]].key].local
            i += 1
    answer.masks = (bits + 7) >> 3
    answer.terms = (terms + 7) >> 3 if s[EXPLAIN] else 0
    answer.topics = s[TOPICS] if s[EXPLAIN] else 0
    return int(answer.masks + answer.terms + answer.topics)


@lean
def _keys(book: Book, work: Work, plain: int) -> None:
    """The keys of the plain topics, or of the queries."""
    for topic in range(work.s[TOPICS]):
        query = book.stream[work.s[TOPIC_AT] + topic]
        if query >= 0 and book.queries[query].plain == plain:
            first, last = book.queries[query].term_at, book.queries[query + 1].term_at
            for at in range(book.terms[first].want_at, book.terms[last].want_at):
                work.keys[_local(book, work, book.wants[book.want[at]].key)].times += 1


@lean
def _local(book: Book, work: Work, key: int) -> int:
    """The profile's own number of a key."""
    s, want = work.s, work.wants[key]
    if want.key_stamp != s[SERIAL]:
        want.key_stamp, want.local = s[SERIAL], s[KEYS]
        mine = work.keys[s[KEYS]]
        mine.word, mine.fixed, mine.times = book.wants[key].word, book.wants[key].fixed, 0
        s[KEYS] += 1
    return int(want.local)


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
def weigh(book: Book, day: Day, work: Work, paper: int, held: int, followed: bool) -> int:
    """What a paper gives the profile: each key found with its gain. Returns the relevance, their sum."""
    s = work.s
    s[PAPER] += 1
    total = np.int64(0)
    for k in range(s[PLAIN]):
        key = work.keys[k]
        impact = look(day, paper, key.word)
        if impact >= 0:
            key.got, key.gain = s[PAPER], key.weight * impact
            total += key.gain
    queries = held & s[HOLDING]
    for topic in range(s[TOPICS] if queries else 0):
        if queries >> topic & 1:
            total += _shown(book, day, work, paper, topic)
    at = s[AUTHOR_AT]
    for i in range(book.stream[at] if followed else 0):
        if holds(day, book.stream[at + 1 + 2 * i], paper):
            total += _get(work, _local(book, work, book.stream[at + 2 + 2 * i]), AUTHOR)
    return int(total)


@lean
def _shown(book: Book, day: Day, work: Work, paper: int, topic: int) -> int:
    """A query that holds: the wants of the terms that hold count unless something else has counted them."""
    query, i = book.stream[work.s[TOPIC_AT] + topic], work.topics[topic].begin
    total = np.int64(0)
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        wants = book.terms[term + 1].want_at - book.terms[term].want_at
        if holds(day, book.terms[term].atom, paper):
            for j in range(i, i + wants):
                key = work.keys[work.local[j]]
                total += _get(work, work.local[j], key.fixed if key.word < 0 else max(look(day, paper, key.word), 0))
        i += wants
    return int(total)


@lean
def _get(work: Work, key: int, impact: int) -> int:
    """A key is found in the paper. Returns its gain, 0 where it was found before."""
    mine = work.keys[key]
    if mine.got == work.s[PAPER]:
        return 0
    mine.got, mine.gain = work.s[PAPER], ONE * impact
    return int(mine.gain)


@lean
def reasons(book: Book, day: Day, work: Work, paper: int, held: int) -> int:
    """Put the topics that found something in the paper just weighed into `told`, best first. Returns how many."""
    s = work.s
    n = 0
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        holding = held >> topic & 1
        if query < 0 or not (holding or book.queries[query].plain):
            continue
        gain = _gain(book, day, work, paper, topic)
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
def _gain(book: Book, day: Day, work: Work, paper: int, topic: int) -> int:
    """What a topic gives, each key once; −1 where it found nothing."""
    query, i = book.stream[work.s[TOPIC_AT] + topic], work.topics[topic].begin
    total = np.int64(-1)
    work.s[BEFORE] += 1
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        wants = book.terms[term + 1].want_at - book.terms[term].want_at
        if book.queries[query].plain or holds(day, book.terms[term].atom, paper):
            for j in range(i, i + wants):
                key = work.keys[work.local[j]]
                if key.got == work.s[PAPER] and key.counted != work.s[BEFORE]:
                    key.counted = work.s[BEFORE]
                    total = max(total, 0) + key.gain
        i += wants
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
        marks = _mark(book, day, work, paper, topic, found, at)
        if answer.topics:
            query = book.stream[work.s[TOPIC_AT] + topic]
            first, last = book.queries[query].term_at, book.queries[query + 1].term_at
            wants = book.terms[last].want_at - book.terms[first].want_at
            if held >> topic & 1 or i == 0 or marks > wants:
                found.notes[tell] = topic
                tell += 1
            if held >> topic & 1:
                _show(book, day, work, paper, topic, found, at + answer.masks)


@lean
def _mark(book: Book, day: Day, work: Work, paper: int, topic: int, found: Found, at: int) -> int:
    """Set the mask's bits of a topic. Returns twice how many it has, 0 if none of them is new."""
    query, i = book.stream[work.s[TOPIC_AT] + topic], work.topics[topic].begin
    bits, fresh = 0, 0
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        wants = book.terms[term + 1].want_at - book.terms[term].want_at
        if book.queries[query].plain or holds(day, book.terms[term].atom, paper):
            for j in range(i, i + wants):
                if work.keys[work.local[j]].got == work.s[PAPER]:
                    bit = work.bits[j]
                    bits += 1
                    if not found.notes[at + (bit >> 3)] >> (bit & 7) & 1:
                        fresh = 1
                        found.notes[at + (bit >> 3)] |= 1 << (bit & 7)
        i += wants
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
def kind_of(held: int, followed: bool) -> int:
    """STRICT, FOLLOWED, both, or 0 for a close match."""
    return (STRICT if held else 0) | (FOLLOWED if followed else 0)
