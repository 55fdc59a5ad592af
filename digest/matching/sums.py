"""What papers give a profile, in machine code: words in many papers are added row by row, the others one by one.

A row of impacts by paper is added in a few instructions for every eight papers, so nothing is looked up.
"""

from __future__ import annotations

import numpy as np

from digest.matching.arrays import I32, I64, Book, Day, Work
from digest.matching.jit import lean, lowest
from digest.matching.profiles import (
    AUTHOR_AT,
    EXTRAS,
    FOLLOWS,
    HOLDING,
    LIKE_AT,
    ONE,
    SERIAL,
    TOPIC_AT,
    TOPICS,
    look,
    place,
)
from digest.matching.sets import STACK, SURE, clear, has, put


@lean
def add_all(day: Day, work: Work, words: I32, number: int, sums: I32) -> None:
    """Write into `sums` what the words (numbers above their weights) give each paper."""
    many = 0
    for i in range(number):
        row = day.words[words[0, i]].row
        if row:
            work.rows[0, many], work.rows[1, many] = row, words[1, i]
            many += 1
    for i in range(many, many + 4):
        work.rows[0, i], work.rows[1, i] = 0, 0
    for at in range(0, max(many, 1), 4):
        _add_rows(day, work, at, sums)
    for i in range(number):
        word, weight = words[0, i], words[1, i]
        if not day.words[word].row:
            for at in range(day.words[word].at, day.words[word + 1].at):
                sums[day.postings[at].paper] += weight * day.postings[at].impact


@lean
def _add_rows(day: Day, work: Work, at: int, sums: I32) -> None:
    """Add four rows at once; the first four are written."""
    a, b, c, d = work.rows[1, at], work.rows[1, at + 1], work.rows[1, at + 2], work.rows[1, at + 3]
    one, two = day.dense[work.rows[0, at]], day.dense[work.rows[0, at + 1]]
    three, four = day.dense[work.rows[0, at + 2]], day.dense[work.rows[0, at + 3]]
    if at == 0:
        for p in range(len(sums)):
            sums[p] = a * one[p] + b * two[p] + c * three[p] + d * four[p]
    else:
        for p in range(len(sums)):
            sums[p] += a * one[p] + b * two[p] + c * three[p] + d * four[p]


@lean
def add_for(day: Day, words: I32, number: int, row: I64, sums: I32) -> None:
    """The same for the papers of one set."""
    for j in range(len(row)):
        bits = row[j]
        while bits:
            paper = (j << 6) + lowest(bits)
            bits &= bits - 1
            total = np.int64(0)
            for i in range(number):
                total += words[1, i] * np.int64(max(look(day, paper, words[0, i]), 0))
            sums[paper] = total


@lean
def add_extras(book: Book, day: Day, work: Work) -> None:
    """Add what queries and followed authors give the papers found for sure, each thing once."""
    s = work.s
    s[EXTRAS] = 0
    for topic in range(s[TOPICS] if s[HOLDING] else 0):
        if s[HOLDING] >> topic & 1:
            query = book.stream[s[TOPIC_AT] + topic]
            for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
                _where_shown(book, day, work, topic, term)
    at = s[AUTHOR_AT]
    for i in range(book.stream[at] if s[FOLLOWS] else 0):
        clear(work.sets[STACK])
        put(day, work.sets[STACK], book.stream[at + 1 + 2 * i])
        _extra(work, book.stream[at + 2 + 2 * i])
    for extra in range(s[EXTRAS]):
        _add_extra(book, day, work, extra)


@lean
def _where_shown(book: Book, day: Day, work: Work, topic: int, term: int) -> None:
    """A query's term: its wants count where both hold."""
    atom = book.terms[term].atom
    if day.atom_at[atom] == day.atom_at[atom + 1]:
        return
    shown, holding = work.sets[STACK], work.of_topic[topic]
    clear(shown)
    put(day, shown, atom)
    for j in range(len(shown)):
        shown[j] &= holding[j]
    for at in range(book.terms[term].want_at, book.terms[term + 1].want_at):
        key = book.wants[book.want[at]].key
        if book.wants[key].word < 0 or place(work, book.wants[key].word) < 0:
            _extra(work, key)


@lean
def _extra(work: Work, key: int) -> None:
    """A key counts for the papers on the stack that are found for sure."""
    want, number = work.wants[key], work.s[EXTRAS]
    if want.extra_stamp != work.s[SERIAL]:
        want.extra_stamp, want.extra = work.s[SERIAL], number
        work.key_of[number] = key
        clear(work.of_key[number])
        work.s[EXTRAS] += 1
    row = work.of_key[want.extra]
    for j in range(len(row)):
        row[j] |= work.sets[STACK, j] & work.sets[SURE, j]


@lean
def _add_extra(book: Book, day: Day, work: Work, extra: int) -> None:
    """Add one key's impact to the papers that it counts for."""
    row, word, fixed = work.of_key[extra], book.wants[work.key_of[extra]].word, book.wants[work.key_of[extra]].fixed
    if word >= 0 and not day.words[word].row:
        for at in range(day.words[word].at, day.words[word + 1].at):
            if has(row, day.postings[at].paper):
                work.sums[day.postings[at].paper] += ONE * day.postings[at].impact
        return
    dense = day.dense[day.words[max(word, 0)].row]
    for j in range(len(row)):
        bits = row[j]
        while bits:
            paper = (j << 6) + lowest(bits)
            bits &= bits - 1
            work.sums[paper] += ONE * (fixed if word < 0 else dense[paper])


@lean
def add_likes(book: Book, day: Day, work: Work) -> None:
    """Write into `lifts` what words of liked papers give."""
    at = work.s[LIKE_AT]
    for i in range(book.stream[at]):
        work.liked[0, i], work.liked[1, i] = book.stream[at + 1 + 2 * i], book.stream[at + 2 + 2 * i]
    add_all(day, work, work.liked, book.stream[at], work.lifts)
