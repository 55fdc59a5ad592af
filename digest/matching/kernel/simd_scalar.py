"""The functions of `simd_llvm` in plain code, for versions of numba whose internal API differs."""

from __future__ import annotations

import numpy as np

from digest.matching.kernel.array_layout import I16, I32, I64
from digest.matching.kernel.jit import inlined

_LANES = 16
_MAX_INT32 = 2**31 - 1


@inlined
def lowest_bit(bits: int) -> int:
    """The position of the lowest set bit; 64 for 0."""
    position = 0
    while position < 64 and not bits >> position & 1:
        position += 1
    return position


@inlined
def count_bits(bits: int) -> int:
    """The number of set bits."""
    number = 0
    while bits:
        bits &= bits - 1
        number += 1
    return number


@inlined
def prefetch(numbers: I32, index: int) -> int:  # noqa: ARG001 (the vector version's arguments)
    """Do nothing: prefetching only saves time."""
    return 0


@inlined
def larger_in_block(numbers: I32, begin: int, minimum: int) -> int:
    """Of 64 numbers from `at` on, those larger than `least`, as bits."""
    return _larger_bits(numbers, begin, minimum, 64)


@inlined
def larger_in_lanes(numbers: I32, begin: int, minimum: int) -> int:
    """Of 16 numbers from `at` on, those larger than `least`, as bits."""
    return _larger_bits(numbers, begin, minimum, _LANES)


@inlined
def _larger_bits(numbers: I32, begin: int, minimum: int, width: int) -> int:
    bits = np.int64(0)
    for lane in range(width):
        if numbers[begin + lane] > minimum:
            bits |= np.int64(1) << lane
    return int(bits)


@inlined
def add_in_lanes(total: I32, gains: I32, bits: int) -> int:
    """Add `gains` to `total` in the lanes whose bits are set; a negative total counts as 0."""
    for lane in range(_LANES):
        if bits >> lane & 1:
            total[lane] = max(total[lane], 0) + gains[lane]
    return 0


@inlined
def add_rows(dense: I16, rows: I32, unit_rows: int, other_rows: int, non_empty: I64, sums: I32) -> int:
    """Write weighted sums of rows of `dense` for the papers in blocks of 64 that `wanted` marks as not empty.

    `rows`: row numbers in the first line, weights in the second. The first `ones` rows have weight 16; the rows from
    `back` on have any weight.
    """
    for block in range(len(non_empty)):
        for paper in range(block << 6, (block + 1) << 6 if non_empty[block] else block << 6):
            total = np.int64(0)
            for i in range(unit_rows):
                total += 16 * np.int64(dense[rows[0, i], paper])
            for i in range(other_rows, rows.shape[1]):
                total += rows[1, i] * np.int64(dense[rows[0, i], paper])
            sums[paper] = total
    return 0


@inlined
def bound_of_best(sums: I32, members: I64, rank: int) -> int:
    """A lower bound of the `wanted`-th largest sum (16 at most) of the papers in a set, −1 where none is known.

    Papers are split into 16 lanes; the `wanted`-th largest of the lanes' maxima is such a bound.
    """
    bound = np.int64(_MAX_INT32)
    for lane in range(_LANES):
        best = _best_of_lane(sums, members, lane)
        larger = 0
        for other in range(_LANES):
            larger += _best_of_lane(sums, members, other) > best
        if larger < rank:
            bound = min(bound, np.int64(best))
    return int(bound)


@inlined
def _best_of_lane(sums: I32, members: I64, lane: int) -> int:
    best = np.int64(-1)
    for paper in range(lane, len(members) << 6, _LANES):
        if members[paper >> 6] >> (paper & 63) & 1:
            best = max(best, np.int64(sums[paper]))
    return int(best)
