"""Dense rows for frequent atoms and words: sets of papers as bits, 64 to an integer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.kernel.array_layout import I32, I64


def frequent_sets(pairs: Sequence[tuple[I64, I64]], atoms: int, papers: int) -> tuple[I32, I64]:
    """Sets of the atoms that hold for many papers. Returns each atom's row, 0 for none, and the rows.

    `pairs`: atoms with the papers for which they hold, then any others of the same atoms: each has its part of the
    rows, whose first one is empty.
    """
    is_frequent = np.bincount(pairs[0][0], minlength=atoms) > max(8, papers >> 7)
    set_rows = np.zeros(max(atoms, 1), np.int32)
    set_rows[:atoms][is_frequent] = 1 + np.arange(np.count_nonzero(is_frequent))
    parts = []
    for atom, paper in pairs:
        part, row = np.zeros((1 + np.count_nonzero(is_frequent), papers), bool), set_rows[atom]
        part[row[row > 0], paper[row > 0]] = True
        parts.append(to_bitsets(part))
    return set_rows, np.concatenate(parts)


def frequent_words(size: NDArray[Any], papers: int) -> NDArray[np.bool_]:
    """A mask of the words that occur in so many papers that a dense row is faster."""
    is_frequent: NDArray[np.bool_] = size > max(8, papers >> 5)
    return is_frequent


def to_bitsets(rows: NDArray[Any]) -> I64:
    """Rows of booleans as bitsets: 64 to an integer, the first one in the lowest bit."""
    packed = np.packbits(rows, axis=-1, bitorder="little")
    bitsets = np.zeros((len(rows), 8 * ((rows.shape[1] + 63) // 64 or 1)), np.uint8)
    bitsets[:, : packed.shape[1]] = packed
    return bitsets.view(np.int64)
