"""The papers near topics' contexts, in machine code."""

from __future__ import annotations

from digest.matching.kernel.array_layout import I32, I64, U8
from digest.matching.kernel.jit import entry
from digest.matching.scoring.parameters import NEARNESS_UNIT

_BYTES = 5  # of a word in a context: four of its number, one of its weight


@entry
def mark_near(
    contexts: U8,
    context_at: I64,
    context_row: I32,
    context_floor: I64,
    stem_of_word: I32,
    post_at: I32,
    post_paper: I32,
    post_impact: I32,
    lengths: I64,
    offset: int,
    products: I32,
    sets: I64,
) -> None:
    """Add the papers that reach each context's floor to its row of `sets`; papers are numbered from `offset` on.

    `contexts`: packed, each from `context_at` on. `stem_of_word`: of each word its place in the postings, −1 for none.
    The products stay below 2³¹: 40 words with weights of a byte and impacts below 2¹⁶.
    """
    for context in range(len(context_row)):
        for paper in range(len(lengths)):
            products[paper] = 0
        begin = context_at[context]
        words = (context_at[context + 1] - begin) // _BYTES
        for i in range(words):
            at = begin + 4 * i
            stem = stem_of_word[contexts[at] | contexts[at + 1] << 8 | contexts[at + 2] << 16 | contexts[at + 3] << 24]
            if stem >= 0:
                weight = contexts[begin + 4 * words + i]
                for j in range(post_at[stem], post_at[stem + 1]):
                    products[post_paper[j]] += weight * post_impact[j]
        for paper in range(len(lengths)):  # without division: ⌊a / b⌋ ≥ c where a ≥ b·c
            if NEARNESS_UNIT * products[paper] >= context_floor[context] * lengths[paper]:
                sets[context_row[context], (paper + offset) >> 6] |= 1 << ((paper + offset) & 63)


@entry
def mark_complete(word_at: I64, words: I32, row: I32, post_at: I32, post_paper: I32, counts: I32, sets: I64) -> None:
    """Add the papers that have all words of a topic to its row of `sets`. `counts` is zero before and after.

    The words of each topic, which are not empty, are in a segment from `word_at` on.
    """
    for topic in range(len(row)):
        begin, end = word_at[topic], word_at[topic + 1]
        for i in range(begin, end):
            for j in range(post_at[words[i]], post_at[words[i] + 1]):
                counts[post_paper[j]] += 1
        for j in range(post_at[words[begin]], post_at[words[begin] + 1]):
            paper = post_paper[j]
            if counts[paper] == end - begin:
                sets[row[topic], paper >> 6] |= 1 << (paper & 63)
        for i in range(begin, end):
            for j in range(post_at[words[i]], post_at[words[i] + 1]):
                counts[post_paper[j]] = 0
