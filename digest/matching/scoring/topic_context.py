"""The context of a topic: the words that are typical of earlier papers in which it stands, without its own words.

A close paper must be nearer to the context of one of its topics than papers usually are; docs/MATCHING.md, "Context".
Integers only, so that every machine computes the same.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple

from digest.matching.query.language import ProfileTerm, Query, parse, positive_terms, profile_terms_of
from digest.matching.scoring.bm25 import Weights, impact
from digest.matching.scoring.parameters import NEARNESS_UNIT

CONTEXT_WORDS = 40
MIN_CONTEXT_PAPERS = 3  # a topic of fewer earlier papers has no context
MAX_CONTEXT_WEIGHT = 255
FLOOR_DEVIATIONS = 3  # how many standard deviations a close paper must be above the average paper
SHARE_UNIT = (1 << 16) - 1  # the share of a word that is alone in a paper; the largest number of two bytes
MAX_FLOOR_PAPERS = 5_000  # at most so many papers set a floor; of more, evenly spread ones do, at least half as many
NUMBER_BYTES = 4
MIN_WORD_PAPERS = 2  # words that fewer of an epoch's papers have are left out: names, typing errors


@dataclass(frozen=True, slots=True)
class TopicContext:
    """Weights by stem, and `floor`: the nearness that a close paper must have.

    Without words: earlier papers with all words of the topic were too few.
    """

    weights: Mapping[str, int]
    floor: int = 0


class PackedContext(NamedTuple):
    """A context as bytes: the numbers of its words, four bytes each, then their weights, a byte each.

    The numbers are the places of the words among the epoch's words in alphabetical order.
    """

    words: bytes
    floor: int


@dataclass(frozen=True, slots=True)
class PaperVector:
    """A paper's words in an epoch: their tf by stem, the paper's `norm`, and the length of the vector of impacts."""

    tf: Mapping[str, int]
    norm: int
    length: int
    weights: Weights

    def impact(self, stem: str) -> int:
        """The impact of one of its words; 0 for a word that counts nothing, and for others."""
        return impact(word_idf(stem, self.weights), self.tf.get(stem, 0), self.norm)


NO_CONTEXTS: Mapping[str, TopicContext] = {}  # by a topic's text: conditions that are unknown are not applied


def own_terms(query: Query) -> tuple[ProfileTerm, ...]:
    """The weighted words of a plain topic, each once; () for a query, which has no close matches."""
    if not query.plain:
        return ()
    return tuple(dict.fromkeys(term for part in positive_terms(query.root) for term in profile_terms_of(part)))


def has_context(text: str) -> bool:
    """True for the text of a plain topic with weighted words. Raises BadQuery."""
    return bool(own_terms(parse(text)))


def word_idf(stem: str, weights: Weights) -> int:
    """A word's idf in contexts: 0 where fewer than two of the epoch's papers have it."""
    papers = weights.counts.df.get(stem, 0)
    return weights.idf_of_df(papers) if papers >= MIN_WORD_PAPERS else 0


def vector_length(square_sum: int) -> int:
    """The length of a paper's vector of impacts, at least 1."""
    return max(1, math.isqrt(square_sum))


def nearness(product: int, length: int) -> int:
    """⌊4096 · Σ weight·impact / length⌋: the cosine of paper and context, except for the length of the context."""
    return NEARNESS_UNIT * product // length


def nearnesses(products: Sequence[int], lengths: Iterable[int]) -> list[int]:
    """`nearness` of each of these papers that shares words with a context: those of others are 0."""
    return [NEARNESS_UNIT * product // length for product, length in zip(products, lengths, strict=False) if product]


def paper_vector(tf: Mapping[str, int], tokens: int, weights: Weights, length: int | None = None) -> PaperVector:
    """A paper as a vector in an epoch. `tf`: of each of its stems; `length`: of the vector, where it is known."""
    norm = weights.norm(tokens)
    if length is None:
        impacts = [impact(word_idf(stem, weights), stem_tf, norm) for stem, stem_tf in tf.items()]
        length = vector_length(sum(map(mul, impacts, impacts)))
    return PaperVector(tf, norm, length, weights)


def nearness_of(context: TopicContext, vector: PaperVector) -> int:
    """The nearness of a paper to a context."""
    product = sum(weight * vector.impact(stem) for stem, weight in context.weights.items() if stem in vector.tf)
    return nearness(product, vector.length)


def heaviest_words(
    shares: Mapping[str, int], papers_with: Mapping[str, int], papers: int, weights: Weights
) -> dict[str, int]:
    """The weights of the words that are typical of some papers, the heaviest 255.

    `shares`: of each word the sum of its shares in these papers; `papers_with`: how many of them have it. A word weighs
    its mean share, less the part of it that would be expected of as many papers as any: S·(1/n − df/(N·a)).
    """
    total, df = weights.counts.papers, weights.counts.df
    values = {
        stem: share * (count * total - papers * df.get(stem, 0)) // count
        for stem, share in shares.items()
        if (count := papers_with[stem]) >= MIN_WORD_PAPERS
    }
    best = sorted((stem for stem, value in values.items() if value > 0), key=lambda stem: (-values[stem], stem))
    best = best[:CONTEXT_WORDS]
    largest = values[best[0]] if best else 1
    weighed = {stem: MAX_CONTEXT_WEIGHT * values[stem] // largest for stem in best}
    return {stem: weight for stem, weight in weighed.items() if weight}


def nearness_floor(values: Sequence[int], *, zeros: int = 0) -> int:
    """The average plus three standard deviations of nearnesses, rounded down; at least 1.

    `zeros`: how many more of them are 0.
    """
    count, total, squares = len(values) + zeros, sum(values), sum(map(mul, values, values))
    return max(1, (total + FLOOR_DEVIATIONS * math.isqrt(count * squares - total * total)) // max(1, count))


def pack_context(context: TopicContext, epoch_words: Mapping[str, int]) -> PackedContext:
    """The context as bytes. `epoch_words`: the number of each of the epoch's words."""
    numbers = b"".join(epoch_words[stem].to_bytes(NUMBER_BYTES, "little") for stem in context.weights)
    return PackedContext(numbers + bytes(context.weights.values()), context.floor)


def unpack_context(packed: PackedContext, epoch_words: Sequence[str]) -> TopicContext:
    """The inverse of `pack_context`, by the epoch's words in alphabetical order."""
    end = NUMBER_BYTES * (len(packed.words) // (NUMBER_BYTES + 1))
    numbers = [number for (number,) in struct.iter_unpack("<I", packed.words[:end])]
    stems = [epoch_words[number] for number in numbers]
    return TopicContext(dict(zip(stems, packed.words[end:], strict=True)), packed.floor)


def leave_out(words: Iterable[ProfileTerm], shares: Mapping[str, int]) -> dict[str, int]:
    """The shares of words that are not the topic's own; a prefix is all words that begin with it."""
    own = {word.text for word in words if not word.prefix}
    prefixes = tuple(word.text for word in words if word.prefix)
    return {
        stem: share
        for stem, share in shares.items()
        if stem not in own and not (prefixes and stem.startswith(prefixes))
    }
