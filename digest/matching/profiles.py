"""One profile before a day's papers, in machine code: where its parts are, and the words it listens for."""

from __future__ import annotations

import math

import numpy as np

from digest.matching.arrays import (
    AUTHORS,
    CAPS,
    CATEGORIES,
    EXCLUSIONS,
    LIKES,
    LIMIT,
    MOST_TOPICS,
    Book,
    Day,
    Work,
)
from digest.matching.jit import lean

ONE = 16
_MOST = 2**62
AUTHOR = 3000  # the impact of a followed author
WEIGHT = np.array([math.isqrt(ONE * ONE * topics) for topics in range(MOST_TOPICS + 1)], np.int64)

# Places in the desk's list of single numbers.
FLAGS, TOPICS, TOPIC_AT, MOST, CAP_AT, CATEGORY_AT, AUTHOR_AT, EXCLUSION_AT, LIKE_AT = range(9)
SERIAL, PAPER, KEYS, PLAIN, FLOOR, BOUND, HOLDING, FOLLOWS, FOUND, BEFORE, WORDS = range(9, 20)
MODE, RANKED_MOST, EXPLAIN, EXTRAS, LEAST = range(20, 25)


@lean
def decode(book: Book, day: Day, work: Work, row: int) -> None:
    """Where the parts of a profile's record are (−1: it lacks that part), and the words of its plain topics."""
    s = work.s
    at = book.record[row]
    head = book.stream[at]
    flags = s[FLAGS] = head & 255
    topics = s[TOPICS] = head >> 8
    s[TOPIC_AT] = at + 1
    at += 1 + topics
    s[SERIAL] += 1
    _words(book, day, work, at)
    at += 1 + book.stream[at]
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


@lean
def _words(book: Book, day: Day, work: Work, at: int) -> None:
    """The plain topics' words with their weights, the most they can give together, and the floor."""
    s = work.s
    bound, repeated = np.int64(0), False
    s[WORDS] = book.stream[at]
    for i in range(s[WORDS]):
        word, times = book.stream[at + 1 + i] >> 6, book.stream[at + 1 + i] & 63
        weight = WEIGHT[times]
        work.plain[0, i], work.plain[1, i] = word, weight
        bound += weight * day.words[word].most
        repeated |= times > 1
    s[BOUND] = bound
    least = np.int64(_MOST)
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        if query >= 0 and book.queries[query].plain:
            total = np.int64(day.floors[query])
            if repeated and total > 0:
                total = np.int64(_floor(book, day, work, query))
            if total >= 0:
                least = min(least, total)
    s[FLOOR] = least if least < _MOST else 0


@lean
def _floor(book: Book, day: Day, work: Work, query: int) -> int:
    """What the words of a plain topic are worth once each."""
    total = np.int64(0)
    term = book.queries[query].term_at
    for at in range(book.terms[term].want_at, book.terms[term + 1].want_at):
        word = book.wants[book.want[at]].word
        total += work.plain[1, place(work, word)] * np.int64(day.words[word].idf)
    return int(total)


@lean
def place(work: Work, word: int) -> int:
    """Where a word is among those of the plain topics, −1 if it is none of them."""
    for i in range(work.s[WORDS]):
        if work.plain[0, i] == word:
            return i
    return -1


@lean
def look(day: Day, paper: int, word: int) -> int:
    """The impact of a word in a paper, −1 where it is not there."""
    if day.words[word].row:
        impact = day.dense[day.words[word].row, paper]
        return int(impact) if impact else -1
    low, high = day.words[word].at, day.words[word + 1].at
    while low < high:
        middle = (low + high) >> 1
        if day.postings[middle].paper < paper:
            low = middle + 1
        else:
            high = middle
    if low < day.words[word + 1].at and day.postings[low].paper == paper:
        return int(day.postings[low].impact)
    return -1
