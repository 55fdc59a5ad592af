"""The order of matches, in machine code: keys by which papers are sorted, larger first."""

from __future__ import annotations

import numpy as np

from digest.matching.kernel.array_layout import I64, PaperArrays, Workspace
from digest.matching.kernel.bitsets import FOLLOWING, contains
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.profile_decoding import FOLLOWS, LIKE_AT, MODE, TIES

CAPPED, ALL, RANKED = 0, 1, 2  # under the profile's caps; everything; the best so many by rank
TOP = 1 << 60


@inlined
def order_key(day: PaperArrays, work: Workspace, paper: int) -> int:
    """The sort key, larger first: followed, score, newer announcement, smaller id."""
    record = day.papers[paper]
    if work.s[MODE] == RANKED:
        return int((record.rank << TIES) + record.tie)
    followed = work.s[FOLLOWS] and contains(work.sets[FOLLOWING], paper)
    return int((TOP if followed else 0) + (score_of(day, work, paper) << TIES) + record.tie)


@inlined
def score_of(day: PaperArrays, work: Workspace, paper: int) -> int:
    """The relevance, at most doubled by likes, then up to 30 % more for trending papers."""
    lifted = np.int64(work.sums[paper])
    if work.s[LIKE_AT] >= 0:
        lifted += min(work.lifts[paper], work.sums[paper])
    return int(lifted * day.papers[paper].factor // 1000)


@inlined
def sort_keys(keys: I64, number_of_hits: int) -> None:
    """Heapsort in place, largest first."""
    for begin in range(number_of_hits // 2 - 1, -1, -1):
        _sink(keys, begin, number_of_hits)
    for end in range(number_of_hits - 1, 0, -1):
        keys[0], keys[end] = keys[end], keys[0]
        _sink(keys, 0, end)


@inlined
def _sink(keys: I64, at: int, number_of_hits: int) -> None:
    """Sift a key down the heap."""
    key = keys[at]
    while 2 * at + 1 < number_of_hits:
        child = 2 * at + 1
        if child + 1 < number_of_hits and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[at] = keys[child]
        at = child
    keys[at] = key
