"""The arrays that the kernel reads and writes, by name. `at` says where a row's part begins in what follows it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Rows = NDArray[Any]  # with named columns, as below

CLOSE, PRIMARY, LIMIT, CAPS, CATEGORIES, AUTHORS, EXCLUSIONS, LIKES = (1 << bit for bit in range(8))  # a record's flags
AND, OR, AND_NOT = -1, -2, -3  # a program's operators; what is not negative is an atom
MOST_TOPICS = 62  # bits of one whole number
STRICT, FOLLOWED = 1, 2  # kinds of a found paper


def columns(wide: str, narrow: str = "") -> np.dtype[Any]:
    """Columns of eight bytes and of four, by their names."""
    return np.dtype([*((name, np.int64) for name in wide.split()), *((name, np.int32) for name in narrow.split())])


QUERY = columns("", "plain term_at program_at")
TERM = columns("", "atom want_at")
WANT = columns("", "key word fixed")
WORD = columns("", "at idf")
POSTING = columns("", "paper impact")
PLACE = columns("", "word impact")
PAPER = columns("tie batch rank", "table_at announcement trending open")
QUESTION = columns("row seen sent_at tau")
WORK_WANT = columns("key_stamp bit_stamp", "local bit")
WORK_KEY = columns("weight got gain most counted", "word times order unused")
WORK_PAPER = columns("stamp held out sent kind")
WORK_FOUND = columns("paper worth")
WORK_DAY = columns("stamp count worth paper")
WORK_TOPIC = columns("told gain used")
ANSWER = columns("first note_at", "total masks terms topics")
HIT = columns("", "paper score relevance topic kind")


class Book(NamedTuple):
    """Profiles compiled. `record` says where each one's is in `stream`.

    A record: flags + 256·topics; each topic's query, −1 if muted; then, where its flag is set: the limit; the topics'
    caps (−1 none); categories, authors (atom and want), exclusions (queries), likes (word and weight), each behind
    their number.
    A query has terms, each an atom with its wants, and a program over atoms. A want's `key` is the want that it counts
    as, whatever its field; `word` is −1 in fields without words.
    """

    record: I64
    stream: I32
    queries: Rows
    program: I32
    terms: Rows
    want: I32
    wants: Rows


class Day(NamedTuple):
    """Papers joined with a book: where each atom holds, and what each word is worth in each paper, the best first.

    `tables`: for each paper a hash table of its words, its size a power of two; a word of −1 is a free place.
    `tie` counts from 0, larger goes first where scores are equal; `by_tie` is its inverse; `rank` is another order.
    `category`: any or primary only × papers × categories wanted.
    """

    atom_at: I32
    atom_paper: I32
    words: Rows
    postings: Rows
    tables: Rows
    papers: Rows
    by_tie: I32
    category: U8


class Ask(NamedTuple):
    """What is asked of each row: its threshold (−1: none yet), the last batch seen, papers sent before."""

    rows: Rows
    sent: I32


class Work(NamedTuple):
    """The kernel's desk. Stamps say to which profile or paper a value belongs, so nothing is ever wiped.

    `s`: single numbers; `keys`: the profile's own, those of plain topics first; `best`: the order of what was found.
    """

    s: I64
    wants: Rows
    keys: Rows
    papers: Rows
    found: Rows
    best: I64
    lists: I32
    lengths: I64
    days: Rows
    topics: Rows


class Found(NamedTuple):
    """Room for answers: `first` of each row's papers, and how many it has without caps (`total`).

    A paper's notes: the mask's bytes, and if asked for the bytes of the terms that show a topic that holds, and the
    topics told, one a byte, 255 for none; `masks`, `terms`, `topics` say how many bytes each takes.
    """

    rows: Rows
    papers: Rows
    notes: U8
