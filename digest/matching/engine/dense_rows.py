"""Dense rows for frequent atoms and words: sets of papers as bits, 64 to an integer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.kernel.array_layout import I32, I64


def frequent_sets(atom: I64, paper: I64, atoms: int, papers: int) -> tuple[I32, I64]:
    """The row of each atom that holds for many papers (else 0), and the rows as sets; the first one is empty."""
    is_frequent = np.bincount(atom, minlength=atoms) > max(8, papers >> 7)
    set_rows = np.zeros(max(atoms, 1), np.int32)
    set_rows[:atoms][is_frequent] = 1 + np.arange(np.count_nonzero(is_frequent))
    rows = np.zeros((1 + np.count_nonzero(is_frequent), papers), bool)
    row = set_rows[atom]
    rows[row[row > 0], paper[row > 0]] = True
    return set_rows, to_bitsets(rows)


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
