"""Why a paper was found, in machine code: the topics that tell, the best first, and the terms that matched."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.arrays import FOLLOWED, LAID, STRICT, Book, Day, Found, Work
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
    TIE,
    TOPIC_AT,
    TOPICS,
    WORDS,
    look,
    where,
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
def lay(book: Book, day: Day, work: Work, begin: int, number: int) -> None:
    """Lay so many of the best papers on the desk, with the topics that hold and what plain topics' words give."""
    for i in range(number):
        paper = day.by_tie[work.best[begin + i] & TIE]
        work.laid[i], work.held[i], work.place[paper] = paper, 0, i
    for topic in range(work.s[TOPICS]):
        query = book.stream[work.s[TOPIC_AT] + topic]
        for i in range(LAID):
            work.lifted[topic, i] = 0
        if query < 0:
            continue
        if not book.queries[query].plain:
            for i in range(number if work.s[HOLDING] >> topic & 1 else 0):
                work.held[i] |= np.int64(has(work.of_topic[topic], work.laid[i])) << topic
        else:
            _hold(day, work, number, book.queries[query].atom, topic)
    for key in range(work.s[KEYS]):
        gains = work.gains[key]
        for i in range(LAID):
            gains[i] = -1
        if key < work.s[WORDS]:
            _gains(day, work, number, key)
    for i in range(number):
        work.place[work.laid[i]] = -1


@lean
def _hold(day: Day, work: Work, number: int, atom: int, topic: int) -> None:
    """Note a plain topic at the papers it holds for."""
    if day.atom_set[atom]:
        row = day.sets[day.atom_set[atom]]
        for i in range(number):
            if has(row, work.laid[i]):
                work.held[i] |= np.int64(1) << topic
                work.lifted[topic, i] = day.lift[where(day, atom, work.laid[i])]
        return
    for at in range(day.atom_at[atom], day.atom_at[atom + 1]):
        place = work.place[day.atom_paper[at]]
        if place >= 0:
            work.held[place] |= np.int64(1) << topic
            work.lifted[topic, place] = day.lift[at]


@lean
def _gains(day: Day, work: Work, number: int, key: int) -> None:
    """What a word of plain topics gives in each paper laid out."""
    word, weight, gains = work.plain[0, key], work.plain[1, key], work.gains[key]
    if day.words[word].row:
        row = day.dense[day.words[word].row]
        for i in range(number):
            impact = row[work.laid[i]]
            gains[i] = weight * impact if impact else -1
        return
    for at in range(day.words[word].at, day.words[word + 1].at):
        place = work.place[day.postings[at].paper]
        if place >= 0:
            gains[place] = weight * day.postings[at].impact


@lean
def weigh(book: Book, day: Day, work: Work, place: int, followed: bool) -> None:
    """Add what queries that hold and followed authors give in a paper laid out."""
    s = work.s
    for topic in range(s[TOPICS] if s[HOLDING] else 0):
        if s[HOLDING] >> topic & 1:
            _show(book, day, work, place, topic)
    at = s[AUTHOR_AT]
    for i in range(book.stream[at] if followed else 0):
        if holds(day, book.stream[at + 1 + 2 * i], work.laid[place]):
            work.gains[book.stream[at + 2 + 2 * i], place] = ONE * AUTHOR


@lean
def _show(book: Book, day: Day, work: Work, place: int, topic: int) -> None:
    """The wants of a query that holds are found where their terms hold; each key counts once."""
    query, i = book.stream[work.s[TOPIC_AT] + topic], work.topics[topic].occurs
    held, paper = work.held[place] >> topic & 1, work.laid[place]
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        shown = held and holds(day, book.terms[term].atom, paper)
        if shown:
            work.lifted[topic, place] += day.lift[where(day, book.terms[term].atom, paper)]
        for at in range(book.terms[term].want_at, book.terms[term + 1].want_at):
            work.shown[i] = shown
            key = book.stream[work.s[OCCURS_AT] + i] & 0xFFFF
            if shown and work.gains[key, place] < 0:
                want = book.wants[book.want[at]]
                gain = want.fixed if want.word < 0 else max(look(day, paper, want.word), 0)
                work.gains[key, place] = ONE * gain
            i += 1


@lean
def reasons(book: Book, work: Work, place: int) -> int:
    """Put the topics that found something in the paper just weighed into `told`, best first. Returns how many."""
    s, held = work.s, work.held[place]
    n = 0
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        holding = held >> topic & 1
        gain = -1
        if book.queries[query].plain:
            gain = _gain(book, work, place, topic)
        elif holding:
            gain = _gain_once(book, work, place, topic)
        if gain < 0 and not holding:
            continue
        gain = max(gain, 0) + work.lifted[topic, place]
        last = n
        while last > 0 and work.topics[last - 1].gain < gain:
            work.topics[last].told, work.topics[last].gain = work.topics[last - 1].told, work.topics[last - 1].gain
            last -= 1
        work.topics[last].told, work.topics[last].gain = topic, gain
        n += 1
    return n


@lean
def _gain(book: Book, work: Work, place: int, topic: int) -> int:
    """What a plain topic gives; −1 where it found nothing."""
    total = np.int64(-1)
    for i in range(work.topics[topic].occurs, work.topics[topic + 1].occurs):
        gain = work.gains[book.stream[work.s[OCCURS_AT] + i] & 0xFFFF, place]
        work.shown[i] = gain >= 0
        if gain >= 0:
            total = max(total, 0) + gain
    return int(total)


@lean
def _gain_once(book: Book, work: Work, place: int, topic: int) -> int:
    """What a query gives, each key once; −1 where it found nothing."""
    total = np.int64(-1)
    work.s[COUNTED] += 1
    for i in range(work.topics[topic].occurs, work.topics[topic + 1].occurs):
        key = book.stream[work.s[OCCURS_AT] + i] & 0xFFFF
        if work.shown[i] and work.counted[key] != work.s[COUNTED]:
            work.counted[key] = work.s[COUNTED]
            total = max(total, 0) + work.gains[key, place]
    return int(total)


@lean
def note(book: Book, day: Day, work: Work, place: int, told: int, found: Found, at: int, answer: Any) -> None:
    """Write down why: the mask; and if asked for the terms by which topics hold, and the topics told.

    Behind the first, a topic that doesn't hold is told only if most of its words are there and one is new.
    """
    paper, held = work.laid[place], work.held[place]
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
