"""Decode one profile's record, in machine code: the offsets of its parts and the words of its plain topics."""

from __future__ import annotations

import math

import numpy as np

from digest.matching.kernel.array_layout import (
    AUTHORS,
    CAPS,
    CATEGORIES,
    EXAMPLES,
    EXCLUSIONS,
    FLAG_BITS,
    LIKES,
    LIMIT,
    MAX_TOPIC_BITS,
    CompiledProfiles,
    PaperArrays,
    Workspace,
)
from digest.matching.kernel.jit import inlined, separate
from digest.matching.kernel.simd import prefetch
from digest.matching.scoring.parameters import (
    COMMON_DENOMINATOR,
    COMMON_NUMERATOR,
    FLOOR_DENOMINATOR,
    FLOOR_NUMERATOR,
    FLOOR_WORDS,
    RARE_IDF,
)

UNIT_WEIGHT = 16
_UNBOUNDED = 2**62
TIE_BITS = 22  # bits of a key for a paper's place where scores are equal
TIE_MASK = (1 << TIE_BITS) - 1
AUTHOR_IMPACT = 3000  # the impact of a followed author
RARE_WORD = RARE_IDF * UNIT_WEIGHT
WEIGHT_BY_TOPICS = np.array(
    [math.isqrt(UNIT_WEIGHT * UNIT_WEIGHT * topics) for topics in range(MAX_TOPIC_BITS + 1)], np.int64
)

# Indexes of `Workspace.scalars`.
FLAGS, TOPIC_COUNT, TOPIC_AT, PAPER_LIMIT, CAP_AT, CATEGORY_AT, AUTHOR_AT, EXCLUSION_AT, LIKE_AT = range(9)
(
    SERIAL,
    KEY_COUNT,
    BIT_COUNT,
    WORD_COUNT,
    PROFILE_TERMS_AT,
    FLOOR,
    MAX_WORD_SUM,
    SATISFIED_TOPICS,
    HAS_FOLLOWED,
    CLOSE_COUNT,
    BEST_COUNT,
    BEST_LIMIT,
    SCORE_BOUND,
) = range(9, 22)
(
    MODE,
    RANKED_LIMIT,
    EXPLAIN,
    CLOSE_ENABLED,
    MIN_CLOSE,
    MAX_FACTOR,
    MAX_UNIT_ROWS,
    EXAMPLE_AT,
    WITH_CONTEXTS,
) = range(22, 31)


@inlined
def decode(profiles: CompiledProfiles, workspace: Workspace, row: int) -> None:
    """Read the offsets of a profile's parts (−1: absent), and the words of its plain topics."""
    s = workspace.scalars
    offset = profiles.record[row]
    head = profiles.stream[offset]
    flags = s[FLAGS] = head & ((1 << FLAG_BITS) - 1)
    topics = s[TOPIC_COUNT] = head >> FLAG_BITS
    s[TOPIC_AT] = offset + 1
    offset += 1 + topics
    s[SERIAL] += 1
    s[WORD_COUNT] = profiles.stream[offset]
    for i in range(s[WORD_COUNT]):
        word_and_count = profiles.stream[offset + 1 + i]
        workspace.plain_words[0, i], workspace.plain_words[1, i] = (
            word_and_count >> 6,
            WEIGHT_BY_TOPICS[word_and_count & 63],
        )
    offset += 1 + s[WORD_COUNT]
    s[BIT_COUNT], s[KEY_COUNT] = profiles.stream[offset + 1] >> 16, profiles.stream[offset + 1] & 0xFFFF
    s[PROFILE_TERMS_AT] = offset + 2
    offset += 2 + profiles.stream[offset]
    s[PAPER_LIMIT] = 10
    if flags & LIMIT:
        s[PAPER_LIMIT] = profiles.stream[offset]
        offset += 1
    s[CAP_AT] = offset if flags & CAPS else -1
    offset += topics if flags & CAPS else 0
    s[CATEGORY_AT] = offset if flags & CATEGORIES else -1
    offset += 1 + profiles.stream[offset] if flags & CATEGORIES else 0
    s[AUTHOR_AT] = offset if flags & AUTHORS else -1
    offset += 1 + 2 * profiles.stream[offset] if flags & AUTHORS else 0
    s[EXCLUSION_AT] = offset if flags & EXCLUSIONS else -1
    offset += 1 + profiles.stream[offset] if flags & EXCLUSIONS else 0
    s[LIKE_AT] = offset if flags & LIKES else -1
    s[EXAMPLE_AT] = -1
    if flags & EXAMPLES:
        s[EXAMPLE_AT] = offset + (1 + 2 * profiles.stream[offset] if flags & LIKES else 0)


@inlined
def compute_bounds(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace) -> None:
    """Compute the largest possible sum of the plain topics' words, and the floor of close matches; 0 without words."""
    s = workspace.scalars
    bound, repeated = np.int64(0), False
    for i in range(s[WORD_COUNT]):
        bound += workspace.plain_words[1, i] * np.int64(index.words[workspace.plain_words[0, i]].max_impact)
        repeated |= workspace.plain_words[1, i] > UNIT_WEIGHT
    s[MAX_WORD_SUM] = bound
    min_total, min_common, first_term = np.int64(_UNBOUNDED), np.int64(_UNBOUNDED), s[PROFILE_TERMS_AT]
    for topic in range(s[TOPIC_COUNT]):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        term_count = index.query_heads[query].profile_terms
        if term_count and index.query_heads[query].plain:
            total = np.int64(index.query_heads[query].floor)
            if repeated:
                total = _heaviest_sum(profiles, index, workspace, first_term, first_term + term_count)
            if index.query_heads[query].floor >= min(term_count, FLOOR_WORDS) * RARE_WORD:
                min_total = min(min_total, total)
            else:
                min_common = min(min_common, total)
        first_term += term_count
    if min_total < _UNBOUNDED:
        s[FLOOR] = min_total * FLOOR_NUMERATOR // FLOOR_DENOMINATOR
    else:
        s[FLOOR] = min_common * COMMON_NUMERATOR // COMMON_DENOMINATOR if min_common < _UNBOUNDED else 0


@separate
def _heaviest_sum(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, begin: int, end: int
) -> np.int64:
    """The sum of the four largest weights times idf of a topic's profile terms, from `begin` to `end`."""
    total, least, place = np.int64(0), np.int64(_UNBOUNDED), -1
    for _ in range(min(end - begin, FLOOR_WORDS)):
        largest, next_place = np.int64(-1), -1
        for i in range(begin, end):
            key = profiles.stream[i] & 0xFFFF
            value = workspace.plain_words[1, key] * np.int64(index.words[workspace.plain_words[0, key]].idf)
            is_left = value < least or (value == least and i > place)
            if is_left and value > largest:
                largest, next_place = value, i
        total, least, place = total + largest, largest, next_place
    return total


@inlined
def prefetch_rows(profiles: CompiledProfiles, index: PaperArrays, row: int, second_row: int) -> None:
    """Prefetch the data of the next row, and the query heads of the one after it."""
    offset = profiles.record[second_row]
    for i in range(offset + 1, offset + 1 + (profiles.stream[offset] >> FLAG_BITS)):
        prefetch(index.query_heads, profiles.stream[i])
    offset = profiles.record[row]
    topics = profiles.stream[offset] >> FLAG_BITS
    for i in range(offset + 1, offset + 1 + topics):
        if profiles.stream[i] >= 0:
            prefetch(index.atom_paper, index.query_heads[profiles.stream[i]].at)
            prefetch(index.phrase_gain, index.query_heads[profiles.stream[i]].at)
            prefetch(index.title_paper, index.query_heads[profiles.stream[i]].title_at)
    offset += 2 + topics
    for i in range(offset, offset + profiles.stream[offset - 1]):
        prefetch(index.words, profiles.stream[i] >> 6)


@inlined
def position_of(index: PaperArrays, low: int, high: int, paper: int) -> int:
    """The position of a paper in that part of `atom_paper`; it must be there."""
    while low + 1 < high:
        middle = (low + high) >> 1
        if index.atom_paper[middle] <= paper:
            low = middle
        else:
            high = middle
    return int(low)


@inlined
def impact_of(index: PaperArrays, paper: int, word: int) -> int:
    """The impact of a word in a paper, −1 where it is not there."""
    if index.words[word].row:
        impact = index.dense[index.words[word].row, paper]
        return int(impact) if impact else -1
    low, high = index.words[word].at, index.words[word + 1].at
    while low < high:
        middle = (low + high) >> 1
        if index.postings[middle].paper < paper:
            low = middle + 1
        else:
            high = middle
    if low < index.words[word + 1].at and index.postings[low].paper == paper:
        return int(index.postings[low].impact)
    return -1
