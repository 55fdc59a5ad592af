"""Vectorised operations on many segments of an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.kernel.array_layout import I32, I64


def segment_starts(sorted_keys: NDArray[Any], count: int) -> I32:
    """Where each of the keys 0 … number−1 begins among the sorted ones; the last entry is their end."""
    return np.searchsorted(sorted_keys, np.arange(count + 1)).astype(np.int32)


def distinct(keys: I64) -> I64:
    """Each key once, in order."""
    sorted_keys: I64 = np.sort(keys)
    unique_keys: I64 = sorted_keys[np.diff(sorted_keys, prepend=-1) != 0]
    return unique_keys


def concatenated_ranges(begin: NDArray[Any], size: NDArray[Any]) -> I64:
    """The integers of all ranges, concatenated: begin[0], begin[0]+1, …, then those of the next range."""
    ends = np.cumsum(size, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    positions: I64 = np.arange(total) + np.repeat(begin - (ends - size), size)
    return positions
