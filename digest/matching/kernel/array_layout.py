"""The arrays that the kernel reads and writes, by name. `at` says where a row's part begins in what follows it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Rows = NDArray[Any]  # with named columns, as below

CLOSE, PRIMARY, LIMIT, CAPS, CATEGORIES, AUTHORS, EXCLUSIONS, LIKES = (1 << bit for bit in range(8))  # a record's flags
AND, OR, AND_NOT = -1, -2, -3  # a program's operators; what is not negative is an atom
MOST_TOPICS = 62  # bits of one whole number
REASONS_BATCH = 16  # papers whose reasons are worked out together
STRICT, FOLLOWED = 1, 2  # kinds of a found paper


def columns(wide: str, narrow: str = "") -> np.dtype[Any]:
    """A record type with columns of eight bytes and of four, by their names."""
    return np.dtype([*((name, np.int64) for name in wide.split()), *((name, np.int32) for name in narrow.split())])


QUERY = columns("", "plain atom term_at program_at wants")
TERM = columns("", "atom want_at")
WANT = columns("", "word fixed")
WORD = columns("", "at idf most row")
POSTING = columns("", "paper impact")
HEAD = columns("", "plain at behind set wants floor title_at title_behind")
PAPER = columns("tie rank factor", "announcement unused")
QUESTION = columns("row sent_at tau", "fresh unused")
WORK_DAY = columns("stamp count worth paper")
WORK_TOPIC = columns("told gain used occurs titles")
ANSWER = columns("first note_at", "total masks terms topics")
HIT = columns("", "paper score relevance topic kind")


class CompiledProfiles(NamedTuple):
    """Profiles compiled. `record` says where each one's is in `stream`. `deepest`: the sets a program needs at once.

    A record: flags + 256·topics; each topic's query, −1 if muted; behind their number the words of the plain topics,
    each as 64·word + how many plain topics have it; behind their number all the topics' wants in order, each as
    2¹⁶·bit of the mask + key, with 2¹⁶·bits + keys before them; then, where its flag is set: the limit; the topics'
    caps (−1 none); categories, authors (atom and key), exclusions (queries), likes (word and weight), each behind
    their number. A profile's keys are what it counts once, whatever its field: first the words of plain topics.
    A query has terms, each an atom with its wants (`wants`: of all terms), and a program over atoms. A want's `word`
    is −1 in fields without words. A plain query's `atom` is its only term's.
    """

    record: I64
    stream: I32
    queries: Rows
    program: I32
    terms: Rows
    want: I32
    wants: Rows
    deepest: int


class PaperArrays(NamedTuple):
    """Papers joined with a book: where each atom holds, and what each word is worth in each paper.

    A set of papers is a row of bits, 64 a number. `atom_set`: the row in `sets` of an atom that holds often, else 0.
    Each word's papers with impacts are in `postings`; those of a word in many papers also by paper, in its `row` of
    `dense` (else 0, a row of zeros). `most`: a word's largest impact. `heads`: of each plain query the atom's part of
    `atom_paper`, its row in `sets` and its part of `title_paper`; of every query how many wants it has, and what they
    are worth once each as words, −1 without one.
    `title_at`, `title_paper`: the papers in whose title each atom's words stand.
    `lift`: what a phrase's words are worth once more, for each of `atom_paper`; 0 for single words and other fields.
    `tie` counts from 0, larger goes first where scores are equal; `by_tie` is its inverse; `rank` is another order;
    `factor`: thousandths of the score.
    `category`: the papers in each category wanted; behind them all, those that have it as their first.
    """

    atom_at: I32
    atom_paper: I32
    atom_set: I32
    sets: I64
    title_at: I32
    title_paper: I32
    words: Rows
    postings: Rows
    dense: I16
    heads: Rows
    lift: I32
    papers: Rows
    by_tie: I32
    category: I64


class Requests(NamedTuple):
    """The request of each row: its threshold (−1: none yet), papers sent before, its set of eligible papers."""

    rows: Rows
    sent: I32
    fresh: I64


class Workspace(NamedTuple):
    """The kernel's workspace.

    `s`: single numbers; `plain` and `liked`: words with weights; `laid`: the papers of the batch, `place`: by paper,
    where it is among these, or −1; `held`: by topic the papers laid that it holds for, `shown`: by want those that it
    is found in, as bits; `gains`: what each key gives in each, −1 where it is not found, `gain`: each topic; `lifted`:
    what its phrases add; `sums`: what each paper gives, `lifts`: what likes add; `sets`: sets
    of papers, the last ones a stack; `of_topic`: where each topic that is a query holds; `of_key`: where each key of a
    query has to be added; `wants`: of which want each key is; `best`: the keys of what was found, in order; `titles`:
    of each paper selected the topics in its title, as bits.
    """

    s: I64
    plain: I32
    liked: I32
    rows: I32
    batch: I32
    topic_holds: I64
    place: I32
    gains: I32
    phrase_gains: I32
    gain: I32
    found_in: I64
    sums: I32
    lifts: I32
    sets: I64
    of_topic: I64
    of_key: I64
    wants: I32
    close_papers: I32
    best: I64
    titles: I64
    days: Rows
    topics: Rows


class MatchArrays(NamedTuple):
    """Output arrays: `first` of each row's papers, and how many it has without caps (`total`).

    A paper's notes: the mask's bytes, and if asked for the bytes of the terms that show a topic that holds, and the
    topics told, one a byte, 255 for none; `masks`, `terms`, `topics` say how many bytes each takes.
    """

    rows: Rows
    papers: Rows
    notes: U8
