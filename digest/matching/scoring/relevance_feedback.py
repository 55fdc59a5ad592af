"""Likes: papers a reader wants more of, told to the matcher as a few weighted words (Rocchio's rule, shrunk).

Without a click, the best papers of the last weeks stand in for likes (pseudo-relevance feedback). Both only order and
lift what matches already, and at most double a paper's relevance; without them nothing is left. 'Less' is no rule here:
it mutes the topic or leaves out the author that the reader names.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from digest.matching.profile import Candidate, Profile
from digest.matching.scoring.bm25 import ONE, Weights, impact
from digest.matching.scoring.boolean_match import Document, prepare
from digest.papers import Record
from digest.text.tokens import weighs

WORDS = 20  # the most that likes can add
SHRINK = 5  # with so many likes half of the full weight counts
FULL = 2 * ONE  # what the best word weighs towards with ever more likes
NEWEST = 100  # likes that count; older ones have had their time
BEST = 20  # papers of the last weeks that stand in for likes
ASSUMED = ONE  # what the best word weighs that only stands in: like a word of one topic


def likes(liked: Sequence[Record | Document], weights: Weights) -> tuple[tuple[str, int], ...]:
    """The words of liked papers, (stem, weight), the heaviest first; `liked` has the newest like first.

    Of every paper the words' impacts, brought to length one, are added up: r. The 20 words with the largest r weigh
    ⌊32 · n/(n+5) · r/r_max⌋, n the number of likes: five likes make the best word weigh like a word of one topic.
    """
    papers = [prepare(Candidate(0, one, 0)) if isinstance(one, Record) else one for one in liked[:NEWEST]]
    return _words([shares(document, weights) for document in papers], FULL * len(papers), len(papers) + SHRINK)


def assumed(best: Sequence[Mapping[str, int]]) -> tuple[tuple[str, int], ...]:
    """The words of a profile's best papers of the last weeks, at most 20 of them, each given by its `shares`.

    As with likes, but the heaviest word weighs ⌊16·n/20⌋: a guess, and less of one the fewer papers there were.
    """
    return _words(best[:BEST], ASSUMED * min(len(best), BEST), BEST)


def with_assumed(profile: Profile, words: Iterable[tuple[str, int]]) -> Profile:
    """The profile with assumed words beside its likes, as far as these leave them."""
    return replace(profile, likes=together(profile.likes, faded(words, profile.likes)))


def faded(words: Iterable[tuple[str, int]], likes: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """What is left of assumed words beside likes: ⌊w·(32 − l)/32⌋ of each, l the heaviest like's weight.

    Of n likes l is ⌊32·n/(n+5)⌋, so 5/(n+5) of what was assumed is left: the more is known, the less is assumed.
    """
    left = FULL - min(FULL, max((weight for _, weight in likes), default=0))
    weighed = ((stem, weight * left // FULL) for stem, weight in words)
    return tuple((stem, weight) for stem, weight in weighed if weight > 0)


def together(*words: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Weighted words added up, the heaviest first."""
    sums: Counter[str] = Counter()
    for stem, weight in chain(*words):
        sums[stem] += weight
    return tuple(sorted(sums.items(), key=lambda word: (-word[1], word[0])))


def shares(document: Document, weights: Weights) -> dict[str, int]:
    """What each word of a paper is of it: impacts brought to length one, in millionths."""
    impacts = _impacts(document, weights)
    length = math.hypot(*impacts.values())
    return {stem: round(1_000_000 * value / length) for stem, value in impacts.items()}


def _words(papers: Sequence[Mapping[str, int]], times: int, over: int) -> tuple[tuple[str, int], ...]:
    """The 20 words with the largest sum r; they weigh ⌊times · r / (over · r_max)⌋."""
    sums: Counter[str] = Counter()
    for paper in papers:
        sums.update(paper)
    best = sorted(sums, key=lambda stem: (-sums[stem], stem))[:WORDS]
    weighed = [(stem, times * sums[stem] // (over * sums[best[0]])) for stem in best]
    return tuple((stem, weight) for stem, weight in weighed if weight > 0)


def lift(found: Iterable[int], relevance: int) -> int:
    """What likes add to a paper that matches: the worth of the words found, at most its relevance once more."""
    return min(sum(found), relevance)


def _impacts(document: Document, weights: Weights) -> dict[str, int]:
    """What each word of a paper is worth that says something."""
    norm = weights.norm(document.length)
    stems = {token.stem for token in (*document.title.tokens, *document.abstract.tokens) if weighs(token.word)}
    impacts = {stem: impact(weights.idf(stem), document.tf[stem], norm) for stem in stems}
    return {stem: value for stem, value in impacts.items() if value > 0}
