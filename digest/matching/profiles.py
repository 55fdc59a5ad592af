"""One profile before a day's papers, in machine code: what it listens for, and what a paper gives it."""

from __future__ import annotations

import math

import numpy as np

from digest.matching.arrays import (
    AUTHORS,
    CAPS,
    CATEGORIES,
    EXCLUSIONS,
    FOLLOWED,
    I64,
    LIKES,
    LIMIT,
    MOST_TOPICS,
    Book,
    Day,
    Work,
)
from digest.matching.jit import lean
from digest.matching.sets import holds

ONE = 16
_MOST = 2**62
AUTHOR = 3000  # the impact of a followed author
WEIGHT = np.array([math.isqrt(ONE * ONE * topics) for topics in range(MOST_TOPICS + 1)], np.int64)

# Places in the desk's list of single numbers.
FLAGS, TOPICS, TOPIC_AT, MOST, CAP_AT, CATEGORY_AT, AUTHOR_AT, EXCLUSION_AT = range(8)
SERIAL, PAPER, KEYS, PLAIN, FLOOR, QUERIES, FOUND, UNUSED = range(8, 16)
BEFORE, PLAIN_TOPICS, SEEN, MODE, RANKED_MOST, EXPLAIN, LIKE_AT = range(16, 23)


@lean
def decode(book: Book, row: int, seen: int, s: I64) -> None:
    """Where the parts of a profile's record are; places of parts that it lacks are −1."""
    at = book.record[row]
    head = book.stream[at]
    flags = s[FLAGS] = head & 255
    topics = s[TOPICS] = head >> 8
    s[TOPIC_AT] = at + 1
    at += 1 + topics
    s[MOST] = 10
    if flags & LIMIT:
        s[MOST] = book.stream[at]
        at += 1
    s[CAP_AT] = at if flags & CAPS else -1
    at += topics if flags & CAPS else 0
    s[CATEGORY_AT] = at if flags & CATEGORIES else -1
    at += 1 + book.stream[at] if flags & CATEGORIES else 0
    s[AUTHOR_AT] = at if flags & AUTHORS else -1
    at += 1 + 2 * book.stream[at] if flags & AUTHORS else 0
    s[EXCLUSION_AT] = at if flags & EXCLUSIONS else -1
    at += 1 + book.stream[at] if flags & EXCLUSIONS else 0
    s[LIKE_AT] = at if flags & LIKES else -1
    s[SERIAL] += 1
    s[SEEN] = seen
    s[KEYS] = s[PLAIN] = s[FOUND] = s[QUERIES] = s[PLAIN_TOPICS] = s[FLOOR] = 0
    for topic in range(topics):
        query = book.stream[s[TOPIC_AT] + topic]
        if query >= 0 and book.queries[query].plain:
            s[PLAIN_TOPICS] |= 1 << topic
        elif query >= 0:
            s[QUERIES] |= 1 << topic


@lean
def listen(book: Book, day: Day, work: Work) -> None:
    """The words of the plain topics with their weights, and the floor."""
    s = work.s
    for topic in range(s[TOPICS]):
        if s[PLAIN_TOPICS] >> topic & 1:
            term = book.queries[book.stream[s[TOPIC_AT] + topic]].term_at
            for at in range(book.terms[term].want_at, book.terms[term + 1].want_at):
                work.keys[_local(book, work, book.want[at])].times += 1
    s[PLAIN] = s[KEYS]
    for k in range(s[PLAIN]):
        work.keys[k].weight = WEIGHT[work.keys[k].times]
    least = np.int64(_MOST)
    for topic in range(s[TOPICS]):
        if s[PLAIN_TOPICS] >> topic & 1:
            term = book.queries[book.stream[s[TOPIC_AT] + topic]].term_at
            total = np.int64(0)
            for at in range(book.terms[term].want_at, book.terms[term + 1].want_at):
                word = work.keys[work.wants[book.want[at]].local]
                total += word.weight * day.words[word.word].idf
            if book.terms[term].want_at < book.terms[term + 1].want_at:
                least = min(least, total)
    s[FLOOR] = least if least < _MOST else 0


@lean
def _local(book: Book, work: Work, key: int) -> int:
    """The profile's own number of a key."""
    s, want = work.s, work.wants[key]
    if want.key_stamp != s[SERIAL]:
        want.key_stamp, want.local = s[SERIAL], s[KEYS]
        mine = work.keys[s[KEYS]]
        mine.word, mine.times = book.wants[key].word, 0
        s[KEYS] += 1
    return int(want.local)


@lean
def look(day: Day, paper: int, word: int) -> int:
    """The impact of a word in a paper, −1 where it is not there."""
    at = day.papers[paper].table_at
    mask = day.papers[paper + 1].table_at - at - 1
    slot = (word * 0x9E3779B1 >> 12) & mask
    while day.tables[at + slot].word >= 0:
        if day.tables[at + slot].word == word:
            return int(day.tables[at + slot].impact)
        slot = (slot + 1) & mask
    return -1


@lean
def weigh(book: Book, day: Day, work: Work, paper: int) -> int:
    """What a paper gives the profile: each key found with its gain. Returns the relevance, their sum."""
    s = work.s
    s[PAPER] += 1
    total = np.int64(0)
    for k in range(s[PLAIN]):
        word = work.keys[k]
        impact = look(day, paper, word.word)
        if impact >= 0:
            word.got, word.gain = s[PAPER], word.weight * impact
            total += word.gain
    if work.papers[paper].stamp != s[SERIAL]:
        return int(total)
    held = work.papers[paper].held & s[QUERIES]
    for topic in range(s[TOPICS] if held else 0):
        if held >> topic & 1:
            query = book.stream[s[TOPIC_AT] + topic]
            for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
                if holds(day, book.terms[term].atom, paper):
                    total += _show(book, day, work, paper, term)
    if work.papers[paper].kind & FOLLOWED:
        total += _follow(book, day, work, paper)
    return int(total)


@lean
def _show(book: Book, day: Day, work: Work, paper: int, term: int) -> int:
    """A query's term that holds: its wants count unless something else has counted them."""
    total = np.int64(0)
    for at in range(book.terms[term].want_at, book.terms[term + 1].want_at):
        key = book.wants[book.want[at]].key
        mine = work.keys[_local(book, work, key)]
        if mine.got != work.s[PAPER]:
            mine.got = work.s[PAPER]
            mine.gain = ONE * (max(look(day, paper, mine.word), 0) if mine.word >= 0 else book.wants[key].fixed)
            total += mine.gain
    return int(total)


@lean
def _follow(book: Book, day: Day, work: Work, paper: int) -> int:
    """The followed authors of a paper; one asked for by a query too counts once."""
    total = np.int64(0)
    at = work.s[AUTHOR_AT]
    for i in range(book.stream[at]):
        if holds(day, book.stream[at + 1 + 2 * i], paper):
            mine = work.keys[_local(book, work, book.stream[at + 2 + 2 * i])]
            if mine.got != work.s[PAPER]:
                mine.got, mine.gain = work.s[PAPER], ONE * AUTHOR
                total += ONE * AUTHOR
    return int(total)


@lean
def lifted(book: Book, day: Day, work: Work, paper: int, relevance: int) -> int:
    """The relevance with what words of liked papers add: at most as much again."""
    at = work.s[LIKE_AT]
    total = np.int64(0)
    for i in range(book.stream[at] if at >= 0 else 0):
        impact = look(day, paper, book.stream[at + 1 + 2 * i])
        if impact > 0:
            total += np.int64(book.stream[at + 2 + 2 * i]) * impact
    if total > relevance:
        total = np.int64(relevance)
    return int(relevance + total)
