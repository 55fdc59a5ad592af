"""Tells the people apart who share a name: groups the papers that print it, each group one person as far as known.

Equal ids of a source join papers, and so do a shared co-author and similar words; different ids of one source keep
groups apart. Pure and deterministic. docs/MATCHING.md, "People", has the measured precision and recall.
Which spellings are one name: `digest.text.person_names`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

MAX_CO_AUTHORS = 30  # of a paper; a collaboration's list of names joins nobody
MAX_PAIRED = 40  # papers with one co-author whose pairs are all counted; of more, only neighbours in time
WORDS_COMPARED = 20  # the heaviest words of a paper
MIN_LIKENESS, OTHER_CATEGORY = 0.3, 0.1  # cosine; more is needed between papers of different primary categories
MAX_COMPARED = 200  # newest papers whose words are compared, pair by pair


@dataclass(frozen=True, slots=True)
class AuthoredPaper:
    """A paper of somebody with the name. `co_authors`: folded names; `ids`: the author's ids, (scheme, value).

    `category`: the primary one; `words`: weights of the words of title and abstract.
    """

    id: int
    co_authors: frozenset[str] = frozenset()
    category: str = ""
    ids: frozenset[tuple[str, str]] = frozenset()
    words: Mapping[str, float] | None = None


def group_papers(papers: Sequence[AuthoredPaper]) -> list[list[AuthoredPaper]]:
    """The papers by person, largest group first, then by the newest paper; in a group the newest paper first."""
    ordered = sorted(papers, key=lambda paper: -paper.id)
    groups = _Groups(ordered)
    for links in (_by_ids(ordered), _by_co_authors(ordered), _by_words(ordered)):
        for first, second in links:
            groups.join(first, second)
    return sorted(groups.members(), key=lambda group: (-len(group), -group[0].id))


class _Groups:
    """Disjoint sets of papers with the ids of each. Sets with different ids of one scheme are never joined."""

    def __init__(self, papers: Sequence[AuthoredPaper]) -> None:
        self._papers = papers
        self._parents = list(range(len(papers)))
        self._ids = [dict(sorted(paper.ids)) for paper in papers]

    def join(self, first: int, second: int) -> None:
        """Join the sets of two papers, unless their ids contradict."""
        a, b = sorted((self._root(first), self._root(second)))
        if a == b or any(self._ids[b].get(scheme, value) != value for scheme, value in self._ids[a].items()):
            return
        self._parents[b] = a
        self._ids[a] |= self._ids[b]

    def members(self) -> list[list[AuthoredPaper]]:
        """The papers of each set."""
        members: defaultdict[int, list[AuthoredPaper]] = defaultdict(list)
        for position, paper in enumerate(self._papers):
            members[self._root(position)].append(paper)
        return list(members.values())

    def _root(self, position: int) -> int:
        while self._parents[position] != position:
            self._parents[position] = self._parents[self._parents[position]]
            position = self._parents[position]
        return position


def _by_ids(papers: Sequence[AuthoredPaper]) -> Iterator[tuple[int, int]]:
    positions: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for position, paper in enumerate(papers):
        for key in paper.ids:
            positions[key].append(position)
    for key in sorted(positions):
        yield from pairwise(positions[key])


def _by_co_authors(papers: Sequence[AuthoredPaper]) -> Iterator[tuple[int, int]]:
    """Pairs that share a co-author, those that share most first."""
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for position, paper in enumerate(papers):
        for name in paper.co_authors if len(paper.co_authors) <= MAX_CO_AUTHORS else ():
            positions[name].append(position)
    shared: defaultdict[tuple[int, int], int] = defaultdict(int)
    for members in positions.values():
        for pair in combinations(members, 2) if len(members) <= MAX_PAIRED else pairwise(members):
            shared[pair] += 1
    yield from sorted(shared, key=lambda pair: (-shared[pair], pair))


def _by_words(papers: Sequence[AuthoredPaper]) -> Iterator[tuple[int, int]]:
    """Pairs with similar words, the most similar first."""
    vectors = [_heaviest(paper.words or {}) for paper in papers[:MAX_COMPARED]]
    likeness: dict[tuple[int, int], float] = {}
    for i, j in combinations(range(len(vectors)), 2):
        min_cosine = MIN_LIKENESS + OTHER_CATEGORY * (papers[i].category != papers[j].category)
        cosine = sum(weight * vectors[j].get(word, 0.0) for word, weight in vectors[i].items())
        if cosine >= min_cosine:
            likeness[i, j] = cosine
    yield from sorted(likeness, key=lambda pair: (-likeness[pair], pair))


def _heaviest(words: Mapping[str, float]) -> dict[str, float]:
    """The heaviest words, as a vector of length one."""
    heaviest = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:WORDS_COMPARED]
    length = math.sqrt(sum(weight * weight for _, weight in heaviest)) or 1.0
    return {word: weight / length for word, weight in heaviest}
