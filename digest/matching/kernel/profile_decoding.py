"""Decode one profile's record, in machine code: the offsets of its parts and the words of its plain topics."""

from __future__ import annotations

import math

import numpy as np

from digest.matching.kernel.array_layout import (
    AUTHORS,
    CAPS,
    CATEGORIES,
    EXCLUSIONS,
    LIKES,
    LIMIT,
    MOST_TOPICS,
    CompiledProfiles,
    PaperArrays,
    Workspace,
)
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.simd import prefetch

UNIT_WEIGHT = 16
_MOST = 2**62
TIES = 22  # bits of a key for a paper's place where scores are equal
TIE = (1 << TIES) - 1
AUTHOR_IMPACT = 3000  # the impact of a followed author
FLOOR_TIMES, FLOOR_OVER, COMMON_TIMES, COMMON_OVER = 6, 5, 7, 4  # scoring.bm25.close_floor
RARE_WORD = 666 * UNIT_WEIGHT  # RARE_IDF there
WEIGHT = np.array([math.isqrt(UNIT_WEIGHT * UNIT_WEIGHT * topics) for topics in range(MOST_TOPICS + 1)], np.int64)

# Indexes of the workspace's scalars, `Work.s`.
FLAGS, TOPICS, TOPIC_AT, MOST, CAP_AT, CATEGORY_AT, AUTHOR_AT, EXCLUSION_AT, LIKE_AT = range(9)
SERIAL, KEYS, BITS, WORDS, OCCURS_AT, FLOOR, BOUND, HOLDING, FOLLOWS, CLOSE_COUNT, BEST_COUNT, BEST_LIMIT, BAR = range(
    9, 22
)
MODE, RANKED_MOST, EXPLAIN, WITH_CLOSE, LEAST, LARGEST, TOGETHER = range(22, 29)


@inlined
def decode(book: CompiledProfiles, work: Workspace, row: int) -> None:
    """Read the offsets of a profile's parts (−1: absent), and the words of its plain topics."""
    s = work.s
    at = book.record[row]
    head = book.stream[at]
    flags = s[FLAGS] = head & 255
    topics = s[TOPICS] = head >> 8
    s[TOPIC_AT] = at + 1
    at += 1 + topics
    s[SERIAL] += 1
    s[WORDS] = book.stream[at]
    for i in range(s[WORDS]):
        word_and_count = book.stream[at + 1 + i]
        work.plain[0, i], work.plain[1, i] = word_and_count >> 6, WEIGHT[word_and_count & 63]
    at += 1 + s[WORDS]
    s[BITS], s[KEYS] = book.stream[at + 1] >> 16, book.stream[at + 1] & 0xFFFF
    s[OCCURS_AT] = at + 2
    at += 2 + book.stream[at]
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


@inlined
def bounds(book: CompiledProfiles, day: PaperArrays, work: Workspace) -> None:
    """Compute the largest possible sum of the plain topics' words, and the floor of close matches; 0 without words."""
    s = work.s
    bound, repeated = np.int64(0), False
    for i in range(s[WORDS]):
        bound += work.plain[1, i] * np.int64(day.words[work.plain[0, i]].most)
        repeated |= work.plain[1, i] > UNIT_WEIGHT
    s[BOUND] = bound
    least, least_common, occurs = np.int64(_MOST), np.int64(_MOST), s[OCCURS_AT]
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        wants = day.heads[query].wants
        if wants and day.heads[query].plain:
            total = np.int64(day.heads[query].floor)
            if repeated:
                total = np.int64(0)
                for i in range(occurs, occurs + wants):
                    key = book.stream[i] & 0xFFFF
                    total += work.plain[1, key] * np.int64(day.words[work.plain[0, key]].idf)
            if day.heads[query].floor >= wants * RARE_WORD:
                least = min(least, total)
            else:
                least_common = min(least_common, total)
        occurs += wants
    if least < _MOST:
        s[FLOOR] = least * FLOOR_TIMES // FLOOR_OVER
    else:
        s[FLOOR] = least_common * COMMON_TIMES // COMMON_OVER if least_common < _MOST else 0


@inlined
def prefetch_rows(book: CompiledProfiles, day: PaperArrays, row: int, later: int) -> None:
    """Prefetch the data of the next row, and the query heads of the one after it."""
    at = book.record[later]
    for i in range(at + 1, at + 1 + (book.stream[at] >> 8)):
        prefetch(day.heads, book.stream[i])
    at = book.record[row]
    topics = book.stream[at] >> 8
    for i in range(at + 1, at + 1 + topics):
        if book.stream[i] >= 0:
            prefetch(day.atom_paper, day.heads[book.stream[i]].at)
            prefetch(day.lift, day.heads[book.stream[i]].at)
    at += 2 + topics
    for i in range(at, at + book.stream[at - 1]):
        prefetch(day.words, book.stream[i] >> 6)


@inlined
def position_of(day: PaperArrays, low: int, high: int, paper: int) -> int:
    """The position of a paper in that part of `atom_paper`; it must be there."""
    while low + 1 < high:
        middle = (low + high) >> 1
        if day.atom_paper[middle] <= paper:
            low = middle
        else:
            high = middle
    return int(low)


@inlined
def impact_of(day: PaperArrays, paper: int, word: int) -> int:
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
