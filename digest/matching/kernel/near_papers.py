"""The papers near topics' contexts, in machine code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digest.matching.kernel.array_layout import I16, I32, I64, U8
from digest.matching.kernel.jit import entry, inlined
from digest.matching.scoring.parameters import NEARNESS_UNIT

BLOCK = 16  # papers that are compared together
F64 = NDArray[np.float64]
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
    dense_row: I32,
    dense: I16,
    lengths: F64,
    offset: int,
    products: I32,
    sets: I64,
) -> None:
    """Add the papers that reach each context's floor to its row of `sets`; papers are numbered from `offset` on.

    `contexts`: packed, each from `context_at` on. `stem_of_word`: of each word its place in the postings, −1 for none.
    `dense`: impacts of frequent stems by paper, in rows of whole blocks; `dense_row`: of each stem its row, −1 for
    none. `products` and `lengths` end with a whole block too; the lengths of no papers are infinite.
    The products stay below 2³¹: 40 words with weights of a byte and impacts below 2¹⁵.
    """
    size = len(lengths)
    for context in range(len(context_row)):
        for paper in range(size):
            products[paper] = 0
        begin = context_at[context]
        words = (context_at[context + 1] - begin) // _BYTES
        for i in range(words):
            at = begin + 4 * i
            stem = stem_of_word[contexts[at] | contexts[at + 1] << 8 | contexts[at + 2] << 16 | contexts[at + 3] << 24]
            if stem < 0:
                continue
            weight = contexts[begin + 4 * words + i]
            row = dense_row[stem]
            if row >= 0:
                for paper in range(size):
                    products[paper] += weight * dense[row, paper]
            else:
                for j in range(post_at[stem], post_at[stem + 1]):
                    products[post_paper[j]] += weight * post_impact[j]
        _add_near(products, lengths, float(context_floor[context]), offset, sets[context_row[context]])


@inlined
def _add_near(products: I32, lengths: F64, floor: float, offset: int, near: I64) -> None:
    """Add the papers that reach the floor: ⌊a / b⌋ ≥ c where a ≥ b·c, exact in floating point as both are below 2⁵³."""
    for first in range(0, len(lengths), BLOCK):
        count = 0
        for paper in range(first, first + BLOCK):
            count += NEARNESS_UNIT * float(products[paper]) >= floor * lengths[paper]
        if count:
            for paper in range(first, first + BLOCK):
                if NEARNESS_UNIT * float(products[paper]) >= floor * lengths[paper]:
                    near[(paper + offset) >> 6] |= 1 << ((paper + offset) & 63)
