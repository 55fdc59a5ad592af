"""What a word is worth: BM25F in whole numbers, from an epoch's counts, so that neither order nor platform matters."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from digest.matching.profile import HIGH, USUAL, Counts

if TYPE_CHECKING:  # NumPy is for the arrays of those who have some; the web process does without
    import numpy as np
    from numpy.typing import NDArray

WholeNumber = TypeVar("WholeNumber", int, "NDArray[np.int64]")

# Close papers in the 14 announcements that set a threshold, by the profile's minimum: about 5 a day, or 1 where it is
# high. τ is the relevance of the next one.
CLOSE_PAPERS = {USUAL: 70, HIGH: 14}
# A close paper needs 6/5 of what the words of the profile's cheapest plain topic are worth together. Of 60 close papers
# that were read, 19 of 37 off-topic ones lie below it, and none of 16 relevant ones.
FLOOR_TIMES, FLOOR_OVER = 6, 5
# A topic's words are common where their mean idf is below 2.6, that is where they stand in more than 1 of 14 papers
# (their geometric mean). Common words meet by chance: without a topic of rarer words a close paper needs 7/4.
RARE_IDF = 666
COMMON_TIMES, COMMON_OVER = 7, 4
ONE = 16  # the weight of a word that one topic holds; of n topics ⌊16·√n⌋
LAMBDA = 3  # thousandths of the score that each percentile of trending adds: at most 30 %
# What other fields are worth, as the impact of a word: an author like a word of one paper in a thousand.
FIXED = {"au": 3000, "inst": 1200, "venue": 600, "co": 256, "cat": 256, "has": 256}


class Weights:
    """An epoch's counts, ready to weigh with: make it once for many profiles."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.average_milli = max(1, round(1000 * counts.average_length))

    def idf(self, word: str, *, prefix: bool = False) -> int:
        """round(256·ln(1 + (N−df+½)/(df+½))): large for a rare word, 0 for one in every paper."""
        df = self._prefix_df(word) if prefix else self.counts.df.get(word, 0)
        papers = max(self.counts.papers, df)
        return round(256 * math.log(1 + (papers - df + 0.5) / (df + 0.5)))

    def norm(self, length: int) -> int:
        """What a paper's length (in tokens) takes off the impacts of its words."""
        return norm(length, self.average_milli)

    def _prefix_df(self, prefix: str) -> int:
        """How many papers have a word of that beginning: its stems' counts together, at most all papers.

        A stem can be shorter than the prefix (learni*, learn): then the longest beginning that stems have counts.
        """
        stems, sums = self._sorted
        for length in range(len(prefix), 0, -1):
            first = bisect_left(stems, prefix[:length])
            behind = bisect_left(stems, prefix[:length] + "\U0010ffff")
            if behind > first:
                return min(self.counts.papers, sums[behind] - sums[first])
        return 0

    @cached_property
    def _sorted(self) -> tuple[list[str], list[int]]:
        """Stems in order, and before each the sum of the counts so far."""
        stems = sorted(self.counts.df)
        return stems, list(accumulate((self.counts.df[stem] for stem in stems), initial=0))


def norm(length: WholeNumber, average_milli: int) -> WholeNumber:
    """⌊1000·k1·(1−b+b·len/avglen)⌋ with k1 = 1.2, b = 0.75; 1200 for a paper of average length (in tokens)."""
    return 300 + 900_000 * length // average_milli


def impact(idf: WholeNumber, tf: WholeNumber, norm: WholeNumber) -> WholeNumber:
    """A word's worth in one paper, `tf` = 3·[in title] + 1·[in abstract]: its idf, once in an average abstract.

    BM25F in whole numbers, of one word or of arrays of words.
    """
    return idf * tf * 2200 // (1000 * tf + norm)


def close_floor(topics: Sequence[tuple[int, Sequence[int]]]) -> int:
    """The least relevance of a close paper. `topics`: of each plain topic what its words are worth, and their idfs.

    It is 6/5 of what the cheapest topic of rare words is worth; without such a topic 7/4 of the cheapest one. 0 without
    words.
    """
    rare = [worth for worth, idfs in topics if sum(idfs) >= RARE_IDF * len(idfs)]
    if rare:
        return min(rare) * FLOOR_TIMES // FLOOR_OVER
    return min((worth for worth, _ in topics), default=0) * COMMON_TIMES // COMMON_OVER


def weight(topics: int) -> int:
    """The weight of a word that so many plain topics of a profile hold: ⌊16·√n⌋."""
    return math.isqrt(ONE * ONE * topics)


def score(relevance: int, trending: int) -> int:
    """The order's key: relevance, up to 30 % more for what is trending in its field (percentile 0 to 100)."""
    return relevance * (1000 + LAMBDA * trending) // 1000
