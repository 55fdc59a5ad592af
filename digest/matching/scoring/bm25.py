"""Word weights: BM25F in integers, from an epoch's counts, so that results do not depend on order or platform."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from heapq import nlargest
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from digest.matching.profile import Counts
from digest.matching.scoring.parameters import (
    B_MILLE,
    COMMON_DENOMINATOR,
    COMMON_NUMERATOR,
    COMPLETE_IDF,
    COMPLETE_WORDS,
    FLOOR_DENOMINATOR,
    FLOOR_NUMERATOR,
    FLOOR_WORDS,
    K1_MILLE,
    RARE_IDF,
    TOPIC_WEIGHT,
    TRENDING_PER_MILLE,
)

if TYPE_CHECKING:  # the web process does not load NumPy
    import numpy as np
    from numpy.typing import NDArray

WholeNumber = TypeVar("WholeNumber", int, "NDArray[np.int64]")


class Weights:
    """Word weights from an epoch's counts. Create it once for many profiles."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.average_milli = max(1, round(1000 * counts.average_length))
        self._idf_by_df: dict[int, int] = {}

    def idf(self, word: str, *, prefix: bool = False) -> int:
        """round(256·ln(1 + (N−df+½)/(df+½))): large for a rare word, 0 for one in every paper."""
        return self.idf_of_df(self._prefix_df(word) if prefix else self.counts.df.get(word, 0))

    def idf_of_df(self, df: int) -> int:
        """The idf of a word that so many papers have."""
        idf = self._idf_by_df.get(df)
        if idf is None:
            papers = max(self.counts.papers, df)
            idf = self._idf_by_df[df] = round(256 * math.log(1 + (papers - df + 0.5) / (df + 0.5)))
        return idf

    def norm(self, length: int) -> int:
        """The length normalisation of a paper's impacts; `length` in tokens."""
        return norm(length, self.average_milli)

    def _prefix_df(self, prefix: str) -> int:
        """The number of papers with a word that begins so: the sum of the counts of its stems, at most all papers.

        A stem can be shorter than the prefix (learni*, learn): then the longest part that stems begin with is used.
        """
        stems, sums = self._sorted
        for length in range(len(prefix), 0, -1):
            begin = bisect_left(stems, prefix[:length])
            end = bisect_left(stems, prefix[:length] + "\U0010ffff")
            if end > begin:
                return min(self.counts.papers, sums[end] - sums[begin])
        return 0

    @property
    def stems(self) -> list[str]:
        """The stems in order."""
        return self._sorted[0]

    @cached_property
    def stem_numbers(self) -> dict[str, int]:
        """The place of each stem in their order."""
        return {stem: number for number, stem in enumerate(self.stems)}

    @cached_property
    def _sorted(self) -> tuple[list[str], list[int]]:
        """Stems in order, and the cumulative sums of their counts."""
        stems = sorted(self.counts.df)
        return stems, list(accumulate((self.counts.df[stem] for stem in stems), initial=0))


def norm(length: WholeNumber, average_milli: int) -> WholeNumber:
    """⌊1000·k1·(1−b+b·len/avglen)⌋ with k1 = 1.2, b = 0.75; 1200 for a paper of average length (in tokens)."""
    return K1_MILLE * (1000 - B_MILLE) // 1000 + K1_MILLE * B_MILLE * length // average_milli


def impact(idf: WholeNumber, tf: WholeNumber, norm: WholeNumber) -> WholeNumber:
    """A word's impact in one paper, `tf` = 3·[in title] + 1·[in abstract]; its idf if once in an average abstract.

    BM25F in integers, for one word or for arrays of words.
    """
    return idf * tf * (1000 + K1_MILLE) // (1000 * tf + norm)


def impacts_of_word(idf: int, tfs: Sequence[int], norms: Iterable[int]) -> list[int]:
    """`impact` of one word in several papers; to call that for each takes twice as long."""
    factor = {tf: idf * tf * (1000 + K1_MILLE) for tf in set(tfs)}
    return [factor[tf] // (1000 * tf + norm) for tf, norm in zip(tfs, norms, strict=True)]


def close_floor(topics: Sequence[Sequence[tuple[int, int]]]) -> int:
    """The least relevance of a close paper. `topics`: of each plain topic its words, each as weight and idf.

    A topic's sum is that of weight·idf over its four heaviest words, and its words are rare if the mean idf of its four
    rarest is. The floor is 6/5 of the smallest sum of a topic of rare words; without such a topic 7/4 of the smallest
    sum. 0 without words.
    """
    sums = [sum(nlargest(FLOOR_WORDS, [weight * idf for weight, idf in words])) for words in topics]
    rarest = [nlargest(FLOOR_WORDS, [idf for _, idf in words]) for words in topics]
    rare_sums = [total for total, idfs in zip(sums, rarest, strict=True) if sum(idfs) >= RARE_IDF * len(idfs)]
    if rare_sums:
        return min(rare_sums) * FLOOR_NUMERATOR // FLOOR_DENOMINATOR
    return min(sums, default=0) * COMMON_NUMERATOR // COMMON_DENOMINATOR


def words_needed(words: int) -> int:
    """How many of a topic's `words` a close paper holds: all of up to three, of more three and half of the others."""
    return min(words, COMPLETE_WORDS + max(0, words - COMPLETE_WORDS) // 2)


def rarely_meet(idfs: Iterable[int]) -> bool:
    """True where papers hardly have all of a topic's words by chance, as far as its four rarest tell."""
    return sum(nlargest(FLOOR_WORDS, idfs)) >= COMPLETE_IDF


def topic_weight(topics: int) -> int:
    """The weight of a word that occurs in `topics` plain topics of a profile: ⌊16·√n⌋."""
    return math.isqrt(TOPIC_WEIGHT * TOPIC_WEIGHT * topics)


def score(relevance: int, trending: int) -> int:
    """The sort key: relevance, raised by up to 30 % by the trending percentile in the paper's field (0 to 100)."""
    return relevance * (1000 + TRENDING_PER_MILLE * trending) // 1000
