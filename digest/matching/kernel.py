"""Many profiles against a day's papers, in machine code: which papers, in which order, under which caps.

Cost follows hits, not profiles × papers: what holds as written comes from lists of the day.
"""

from __future__ import annotations

import numpy as np

from digest.matching.arrays import CLOSE, FOLLOWED, I64, Ask, Book, Day, Found, Work
from digest.matching.candidates import admitted, exclude, sent, shut_out, strict
from digest.matching.close import close, thresholds
from digest.matching.jit import entry, lean
from digest.matching.profiles import (
    CAP_AT,
    FLAGS,
    FLOOR,
    FOUND,
    MODE,
    MOST,
    RANKED_MOST,
    SERIAL,
    TOPICS,
    decode,
    lifted,
    listen,
    weigh,
)
from digest.matching.reasons import kind_of, note, number, reasons

__all__ = ["ALL", "CAPPED", "RANKED", "run", "thresholds"]

CAPPED, ALL, RANKED = 0, 1, 2  # under the profile's caps; everything; the best so many by rank
_TOP = 1 << 60
_TIES = 22  # bits


@entry
def run(book: Book, day: Day, ask: Ask, work: Work, found: Found, begin: int) -> int:
    """Match rows from `begin` until all are done or the room is used up. Returns the row to go on with."""
    for row in range(begin, len(ask.rows) - 1):
        decode(book, ask.rows[row].row, ask.rows[row].seen, work.s)
        sent(ask, work, row)
        strict(book, day, work)
        keys = 0
        if work.s[FOUND] or work.s[FLAGS] & CLOSE:
            exclude(book, day, work)
            listen(book, day, work)
            keys = _sure(book, day, work)
        if work.s[FLAGS] & CLOSE and work.s[FLOOR] > 0:
            keys = _and_close(book, day, work, ask.rows[row].tau, keys)
        if not _tell(book, day, work, found, row, keys):
            return row
    return len(ask.rows) - 1


@lean
def _sure(book: Book, day: Day, work: Work) -> int:
    """The keys of the strict and followed papers that are neither excluded nor sent. Returns how many."""
    n = 0
    for i in range(work.s[FOUND]):
        paper = work.found[i].paper
        followed = work.papers[paper].kind & FOLLOWED
        if shut_out(work, paper) or work.papers[paper].sent == work.s[SERIAL]:
            continue
        if followed or admitted(book, day, work, paper):
            work.best[n] = _key(book, day, work, paper, weigh(book, day, work, paper), followed)
            n += 1
    return n


@lean
def _and_close(book: Book, day: Day, work: Work, tau: int, keys: int) -> int:
    """Add the keys of the close papers that were not sent. Returns how many keys there are then."""
    for i in range(close(book, day, work, tau)):
        paper = work.found[i].paper
        if work.papers[paper].sent != work.s[SERIAL]:
            work.best[keys] = _key(book, day, work, paper, work.found[i].worth, 0)
            keys += 1
    return keys


@lean
def _key(book: Book, day: Day, work: Work, paper: int, relevance: int, followed: int) -> int:
    """What papers are ordered by, larger first: followed, score, newer announcement, smaller id."""
    of = day.papers[paper]
    if work.s[MODE] == RANKED:
        return int((of.rank << _TIES) + of.tie)
    return int(
        (_TOP if followed else 0) + (_score(lifted(book, day, work, paper, relevance), of.trending) << _TIES) + of.tie
    )


@lean
def _score(relevance: int, trending: int) -> int:
    """Up to 30 % more for what is trending (percentile)."""
    return int(relevance * (1000 + 3 * np.int64(trending)) // 1000)


@lean
def _wanted(work: Work, keys: int) -> int:
    """How many of the best may be told of."""
    if work.s[MODE] == RANKED:
        return int(min(keys, work.s[RANKED_MOST]))
    if work.s[MODE] == ALL or work.s[CAP_AT] >= 0:
        return keys
    followed = 0
    for i in range(keys):
        followed += work.best[i] >= _TOP
    return int(min(keys, followed + work.s[MOST]))


@lean
def _best(keys: I64, n: int, wanted: int) -> int:
    """Bring the largest keys to the front, in order. Returns how many."""
    if wanted > 64:
        _sort(keys, n)
        return wanted
    kept = 0
    for i in range(n):
        key = keys[i]
        if kept == wanted:
            if not kept or key < keys[kept - 1]:
                continue
            kept -= 1
        place = kept
        while place > 0 and keys[place - 1] < key:
            keys[place] = keys[place - 1]
            place -= 1
        keys[place] = key
        kept += 1
    return kept


@lean
def _sort(keys: I64, n: int) -> None:
    """Largest first, by a heap, in place."""
    for begin in range(n // 2 - 1, -1, -1):
        _sink(keys, begin, n)
    for end in range(n - 1, 0, -1):
        keys[0], keys[end] = keys[end], keys[0]
        _sink(keys, 0, end)


@lean
def _sink(keys: I64, at: int, n: int) -> None:
    """Let a key sink until both below it are larger."""
    key = keys[at]
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[at] = keys[child]
        at = child
    keys[at] = key


@lean
def _tell(book: Book, day: Day, work: Work, found: Found, row: int, keys: int) -> bool:
    """Write down the best that the caps admit. False where there is no room for them."""
    s, of = work.s, found.rows[row]
    n, at = of.first, of.note_at
    top = _best(work.best, keys, _wanted(work, keys))
    size = number(book, work, of) if top else 0
    if n + top > len(found.papers) or at + top * size > len(found.notes):
        return False
    used = 0
    for topic in range(s[TOPICS]):
        work.topics[topic].used = 0
    for i in range(top):
        paper = day.by_tie[work.best[i] & ((1 << _TIES) - 1)]
        kind = kind_of(work, paper)
        capped = s[MODE] == CAPPED and not kind & FOLLOWED
        if capped and used >= s[MOST]:
            break
        relevance = weigh(book, day, work, paper)
        told = reasons(book, day, work, paper)
        topic = work.topics[0].told if told else -1
        if capped:
            cap = book.stream[s[CAP_AT] + topic] if s[CAP_AT] >= 0 and topic >= 0 else -1
            if 0 <= cap <= work.topics[topic].used:
                continue
            used += 1
            work.topics[topic].used += 1
        note(book, day, work, paper, told, found, at, of)
        hit = found.papers[n]
        hit.paper, hit.kind, hit.topic, hit.relevance = paper, kind, topic, relevance
        hit.score = _score(lifted(book, day, work, paper, relevance), day.papers[paper].trending)
        n += 1
        at += size
    of.total = keys
    found.rows[row + 1].first, found.rows[row + 1].note_at = n, at
    return True
