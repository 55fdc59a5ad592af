"""The papers near a topic's context, in machine code."""

from __future__ import annotations

from digest.matching.kernel.array_layout import I32, I64
from digest.matching.kernel.jit import entry
from digest.matching.scoring.parameters import NEARNESS_UNIT


@entry
def mark_near(
    context_at: I64,
    context_word: I32,
    context_weight: I32,
    context_row: I32,
    context_floor: I64,
    post_at: I32,
    post_paper: I32,
    post_impact: I32,
    lengths: I64,
    offset: int,
    products: I64,
    sets: I64,
) -> None:
    """Add the papers that reach each context's floor to its row of `sets`; papers are numbered from `offset` on.

    A context's words (−1: in no paper) have postings with impacts. `products` is zero before and after.
    """
    for context in range(len(context_row)):
        begin, end = context_at[context], context_at[context + 1]
        for i in range(begin, end):
            word = context_word[i]
            if word >= 0:
                for j in range(post_at[word], post_at[word + 1]):
                    products[post_paper[j]] += context_weight[i] * post_impact[j]
        for i in range(begin, end):
            word = context_word[i]
            if word >= 0:
                for j in range(post_at[word], post_at[word + 1]):
                    paper = post_paper[j]
                    if products[paper] and NEARNESS_UNIT * products[paper] // lengths[paper] >= context_floor[context]:
                        sets[context_row[context], (paper + offset) >> 6] |= 1 << ((paper + offset) & 63)
                    products[paper] = 0
