"""The arrays that the kernel reads and writes. Columns named `at` or `x_at` hold the offset of a row's segment."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Rows = NDArray[Any]  # structured arrays of the types below

CLOSE, PRIMARY, LIMIT, CAPS, CATEGORIES, AUTHORS, EXCLUSIONS, LIKES, EXAMPLES = (
    1 << bit for bit in range(9)
)  # a record's flags
FLAG_BITS = 9
AND, OR, AND_NOT = -1, -2, -3  # a program's operators; other numbers are atoms
MAX_TOPIC_BITS = 62  # topics as bits of one int64
REASONS_BATCH = 16  # papers whose reasons are computed together
UNKNOWN_CONTEXT, NO_CONTEXT = -1, -2  # instead of the row of a topic's set of near papers
STRICT, FOLLOWED, EXAMPLE = 1, 2, 4  # flags of a matched paper; EXAMPLE: the example papers admit it


def columns(wide: str, narrow: str = "") -> np.dtype[Any]:
    """A record type with columns of eight bytes and of four, by their names."""
    return np.dtype([*((name, np.int64) for name in wide.split()), *((name, np.int32) for name in narrow.split())])


QUERY = columns("", "plain atom term_at program_at profile_terms")
TERM = columns("", "atom profile_term_at")
PROFILE_TERM = columns("", "word fixed")
WORD = columns("", "at idf max_impact row")
POSTING = columns("", "paper impact")
HEAD = columns("", "plain at end set profile_terms floor title_at title_end")
PAPER = columns("tie rank factor", "announcement unused")
REQUEST = columns("row sent_at tau", "eligible with_contexts")
WORK_DAY = columns("stamp count relevance paper")
WORK_TOPIC = columns("topic gain used first_term titles")
RESULT_ROW = columns("first note_at", "total masks terms topics")
HIT = columns("", "paper score relevance topic kind")


class CompiledProfiles(NamedTuple):
    """Compiled profiles. `record`: the offset of each profile's record in `stream`. `stack_depth`: of the programs.

    A record has flags + 512·topics; each topic's query, −1 if muted; the number of words of plain topics, and each as
    64·word + number of plain topics that have it; the number of profile terms, 2¹⁶·bits + keys, and each profile term
    of the topics in order as 2¹⁶·bit of the mask + key; then, where its flag is set: the limit; the topics' caps (−1:
    none); categories, authors (atom and key), exclusions (queries), likes (word and weight), each after their number;
    and the terms of example papers (word and weight), after their number and the floor of their similarity.
    Keys number the things that are scored once, whatever their field: first the words of plain topics.
    A query has terms, each an atom with its profile terms, and a program over atoms. A profile term's `word` is −1 in
    fields without words. A plain query's `atom` is that of its only term.
    """

    record: I64
    stream: I32
    queries: Rows
    program: I32
    terms: Rows
    profile_term_ids: I32
    profile_terms: Rows
    stack_depth: int


class PaperArrays(NamedTuple):
    """Papers joined with compiled profiles: the papers of each atom, and the impacts of each word.

    A set of papers is a row of bits, 64 to an int64. `atom_set`: the row in `sets` of a frequent atom, else 0; the
    second half of `sets` has in the same order the papers with the atom's words in the title.
    `postings` has each word's papers with impacts; a frequent word also has them by paper, in its `row` of `dense`
    (0 for other words: a row of zeros), and as a set in that row of `word_sets`. The words' `max_impact` is the largest
    impact. `query_heads`: the atom's segments of `atom_paper` and `title_paper` and its row in `sets`, for each plain
    query; the number of profile terms and the sum of their weights as single words (−1 without words), for every query.
    `title_at`, `title_paper`: the papers that have each atom's words in the title.
    `phrase_gain`: the extra gain of a phrase, parallel to `atom_paper`; 0 for single words and other fields.
    `tie` counts from 0, and the larger one is first where scores are equal; `paper_of_tie` is its inverse; `rank` is
    another order; `factor`: the trending factor in thousandths.
    `category_sets`: the papers in each category of profiles; then, in a second half, by primary category alone.
    `near_sets`: the papers near the context of a topic; `near_row`: the row of each query, UNKNOWN_CONTEXT, or
    NO_CONTEXT for a topic that has none.
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
    word_sets: I64
    query_heads: Rows
    phrase_gain: I32
    papers: Rows
    paper_of_tie: I32
    category_sets: I64
    near_row: I32
    near_sets: I64


class RowRequests(NamedTuple):
    """The request of each row: its threshold (−1: none yet), papers sent before, and set of eligible papers.

    `with_contexts`: 1 where close papers need the context of a topic.
    """

    rows: Rows
    sent: I32
    eligible_sets: I64


class Workspace(NamedTuple):
    """The kernel's workspace.

    `scalars`: single numbers; `plain_words` and `liked_words`: words with weights, the latter of likes, then of
    example papers; `batch`: the papers of a batch, `lane_of_paper`: a paper's lane in it, or −1. As bits of lanes:
    `satisfied_in`: by topic, where it matches as
    written; `found_in`: by profile term, where it is found. By lane: `key_gains`: the gain of each key, −1 where it is
    not found; `topic_gains`: of each topic; `phrase_gains`: of its phrases. By paper: `sums`: relevances,
    `like_gains`: of likes, `example_gains`: of examples, in sixteenths. `sets`: sets of papers, the last ones are a
    stack; `topic_sets`: the papers that each query topic matches; `key_sets`: the papers to which each key of a query
    is added; `profile_term_of_key`: the profile term of each key; `best_keys`: sort keys of the matches, in order;
    `titles`: of each selected paper the topics in its title, as bits; `title_sets`: by topic the matched papers that
    have it in the title.
    """

    scalars: I64
    plain_words: I32
    liked_words: I32
    rows: I32
    batch: I32
    satisfied_in: I64
    lane_of_paper: I32
    key_gains: I32
    phrase_gains: I32
    topic_gains: I32
    found_in: I64
    sums: I32
    like_gains: I32
    example_gains: I32
    sets: I64
    topic_sets: I64
    key_sets: I64
    profile_term_of_key: I32
    close_papers: I32
    best_keys: I64
    titles: I64
    title_sets: I64
    close_by_day: Rows
    topics: Rows


class MatchArrays(NamedTuple):
    """Output arrays: the offset `first` of each row's papers, and the number of matches without caps (`total`).

    A paper's note has the bytes of the mask and, with explanations, the bitset of the terms by which topics match as
    written, and the topics of the reason, one a byte (255: none). `masks`, `terms`, `topics`: the bytes of each part.
    """

    rows: Rows
    papers: Rows
    notes: U8
