"""The order of matches, in machine code: keys by which papers are sorted, larger first."""

from __future__ import annotations

import numpy as np

from digest.matching.kernel.array_layout import I64, PaperArrays, Workspace
from digest.matching.kernel.bitsets import FOLLOWED_AUTHORS, contains
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.profile_decoding import HAS_FOLLOWED, LIKE_AT, MODE, TIE_BITS

CAPPED, ALL, RANKED = 0, 1, 2  # under the profile's caps; everything; the best so many by rank
FOLLOWED_BONUS = 1 << 60


@inlined
def order_key(index: PaperArrays, workspace: Workspace, paper: int) -> int:
    """The sort key, larger first: followed, score, newer announcement, smaller id."""
    record = index.papers[paper]
    if workspace.scalars[MODE] == RANKED:
        return int((record.rank << TIE_BITS) + record.tie)
    followed = workspace.scalars[HAS_FOLLOWED] and contains(workspace.sets[FOLLOWED_AUTHORS], paper)
    return int((FOLLOWED_BONUS if followed else 0) + (score_of(index, workspace, paper) << TIE_BITS) + record.tie)


@inlined
def score_of(index: PaperArrays, workspace: Workspace, paper: int) -> int:
    """The relevance, at most doubled by likes, then up to 30 % more for trending papers."""
    lifted = np.int64(workspace.sums[paper])
    if workspace.scalars[LIKE_AT] >= 0:
        lifted += min(workspace.like_gains[paper], workspace.sums[paper])
    return int(lifted * index.papers[paper].factor // 1000)


@inlined
def sort_descending(keys: I64, size: int) -> None:
    """Heapsort in place, largest first."""
    for begin in range(size // 2 - 1, -1, -1):
        _sift_down(keys, begin, size)
    for end in range(size - 1, 0, -1):
        keys[0], keys[end] = keys[end], keys[0]
        _sift_down(keys, 0, end)


@inlined
def _sift_down(keys: I64, position: int, size: int) -> None:
    """Sift a key down the heap."""
    key = keys[position]
    while 2 * position + 1 < size:
        child = 2 * position + 1
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[position] = keys[child]
        position = child
    keys[position] = key
