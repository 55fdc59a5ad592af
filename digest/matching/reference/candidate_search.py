"""The papers that may match a profile, found by posting lists: never too few, and few enough to evaluate each.

`reference_matcher` decides about them. A paper matches as written, is by a followed author, or is close: its words have
at least the profile's floor of relevance. The relevance of plain words is computed here as the matcher computes it, so
of close papers only those above the threshold are returned. Most papers are evaluated by the lists too
(`posting_evaluation`); the others must be prepared. The similarity to example papers is bounded, because the search
does not look whether two words are adjacent in the title or in the abstract.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from digest.matching.query.language import Term
from digest.matching.query.syntax_tree import Word
from digest.matching.reference.example_bounds import ExampleBounds
from digest.matching.reference.paper_evaluation import Finding, RankedPaper
from digest.matching.reference.parsed_profile import ParsedProfile
from digest.matching.reference.posting_cache import PostingCache
from digest.matching.reference.posting_evaluation import PostingEvaluation
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.scoring.bm25 import Weights, impact, impacts_of_word
from digest.matching.scoring.index_terms import AnyOf, IndexQuery, category_query, lookup, word_query
from digest.matching.scoring.parameters import ABSTRACT_TF, TITLE_TF
from digest.papers.subjects import with_equivalents
from digest.text.person_references import reference_of

_MAX_TF = TITLE_TF + ABSTRACT_TF
MAX_RELEVANCE = 1 << 62  # more than any paper's


@dataclass(frozen=True, slots=True)
class _WeightedWord:
    """A word of plain topics. `stem`: '' for a prefix, whose frequency is known only as its maximum in `query`."""

    query: IndexQuery
    stem: str
    weight: int
    idf: int

    def frequencies(self, cache: PostingCache) -> Mapping[int, int]:
        """The tf of each paper with the word, by its number."""
        return cache.frequencies(self.stem) if self.stem else dict.fromkeys(cache.find(self.query), _MAX_TF)


@dataclass(frozen=True, slots=True)
class RelevanceSample:
    """What sets a threshold: `relevances` of papers that match closely, and papers that are to be evaluated."""

    relevances: tuple[int, ...]
    undecided: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _AnnouncementHits:
    """What an announcement has, by number: papers of followed authors, papers as written, relevances from the floor on.

    Excluded papers are left out, and of the last two those that the categories do not allow.
    """

    followed: set[int] = field(default_factory=set)
    written: set[int] = field(default_factory=set)
    relevances: dict[int, int] = field(default_factory=dict)


_NO_HITS = _AnnouncementHits()


class CandidateSearch:
    """Searches posting lists for one profile, but not for people by their ids. Raises BadQuery.

    All announcements of the cache are searched at once, when the first of them is asked for.
    """

    def __init__(self, parsed: ParsedProfile, weights: Weights, cache: PostingCache) -> None:
        self._profile = profile = parsed.profile
        self._weights, self._floor = weights, parsed.floor if profile.close else 0
        self._cache, self._ids = cache, cache.ids
        self._evaluation = PostingEvaluation(parsed, weights, cache)
        names = [author for author in profile.authors if reference_of(author) is None]
        self._followed = AnyOf(tuple(lookup(Term(name, "au")).query for name in names))
        self._allowed = self._papers_in_categories() if profile.categories else None
        self._words = _weighted_words(parsed)
        self._examples = ExampleBounds(parsed, weights) if profile.close and profile.examples else None
        self._least = min(floor for floor in (self._floor, self._examples.floor) if floor) if self._examples else 0
        uses_words = bool(self._floor or self._examples)
        self._frequencies = [word.frequencies(cache) for word in self._words] if uses_words else []
        self._norms = cache.norms(weights)

    def candidates(self, lists: PostingLists, eligible: Collection[int], tau: int | None) -> dict[int, int]:
        """The papers of one announcement that may be selected, by id with their numbers. `tau`: None for none yet."""
        hits = self._hits.get(lists, _NO_HITS)
        least = 0 if tau is None else tau + 1
        close = {number for number, relevance in hits.relevances.items() if relevance >= least}
        numbers = hits.followed | hits.written | close
        return {paper_id: number for number in numbers if (paper_id := self._ids[number]) in eligible}

    def evaluate(self, number: int, paper: RankedPaper) -> Finding | None:
        """The evaluation of a candidate by posting lists; None where they don't tell enough."""
        if not self._evaluation.decides(number) or number in self._followed_papers:
            return None
        return self._evaluation.evaluate(number, paper)

    def sample(self, lists: PostingLists, eligible: Collection[int]) -> RelevanceSample:
        """The close papers of one of the announcements that set the threshold.

        Less relevant papers than the profile's floor are left out: a threshold below it admits the same papers as 0.
        """
        if not self._floor:
            return RelevanceSample((), ())
        hits = self._hits.get(lists, _NO_HITS)
        relevances, undecided = [], []
        for number, relevance in hits.relevances.items():
            if self._ids[number] not in eligible:
                continue
            if not self._evaluation.decides(number):
                undecided.append(self._ids[number])
            elif number not in hits.written:
                relevances.append(relevance)
        return RelevanceSample(tuple(relevances), tuple(undecided))

    def bounds(self, lists: PostingLists, eligible: Collection[int]) -> dict[int, int]:
        """For a profile with examples, the most that the relevance of each paper of one announcement can be.

        Less than the profile's floors is left out, as in `sample`. That of a followed author has no bound.
        """
        hits = self._hits.get(lists, _NO_HITS)
        followed = hits.followed if self._allowed is None else hits.followed & self._allowed
        bounds = hits.relevances | dict.fromkeys(followed, MAX_RELEVANCE)
        bound_by_paper = {self._ids[number]: bound for number, bound in bounds.items()}
        return {paper_id: bound for paper_id, bound in bound_by_paper.items() if paper_id in eligible}

    @cached_property
    def _hits(self) -> Mapping[PostingLists, _AnnouncementHits]:
        """What the announcements have; those that have nothing are left out."""
        excluded, allowed = self._evaluation.excluded, self._allowed
        followed = self._followed_papers - excluded
        written: Collection[int] = self._evaluation.written
        relevances = self._relevances() if self._floor else {}
        if self._examples is not None:
            relevances = self._with_examples(self._examples)
        if not self._profile.finds_papers:
            written, relevances = allowed or (), {}
        hits: defaultdict[PostingLists, _AnnouncementHits] = defaultdict(_AnnouncementHits)
        for number in followed:
            hits[self._cache.lists_of(number)].followed.add(number)
        for number in written:
            if number not in excluded and (allowed is None or number in allowed):
                hits[self._cache.lists_of(number)].written.add(number)
        for number, relevance in relevances.items():
            if number not in excluded and (allowed is None or number in allowed):
                hits[self._cache.lists_of(number)].relevances[number] = relevance
        return hits

    @cached_property
    def _followed_papers(self) -> frozenset[int]:
        """The papers that may be by a followed author."""
        return self._cache.find(self._followed)

    def _papers_in_categories(self) -> frozenset[int]:
        categories = with_equivalents(self._profile.categories)
        return self._cache.find(AnyOf(tuple(map(category_query, categories))))

    def _relevances(self) -> dict[int, int]:
        """The relevance by plain words of each paper that reaches the floor, at most too high where prefixes count.

        Words are added from the heaviest one on. Once those that remain can't reach the floor together, only papers
        that have a heavier one are looked at.
        """
        sums: dict[int, int] = {}
        remaining = sum(map(self._most, self._words))
        norms = self._norms
        for word, frequencies in zip(self._words, self._frequencies, strict=True):
            adds_papers = remaining >= self._floor
            remaining -= self._most(word)
            numbers: Collection[int] = frequencies if adds_papers else frequencies.keys() & sums.keys()
            tfs = [frequencies[number] for number in numbers]
            impacts = impacts_of_word(word.idf, tfs, [norms[number] for number in numbers])
            for number, value in zip(numbers, impacts, strict=True):
                sums[number] = sums.get(number, 0) + word.weight * value
        return {number: relevance for number, relevance in sums.items() if relevance >= self._floor}

    def _with_examples(self, examples: ExampleBounds) -> dict[int, int]:
        """The most that plain words and examples give each paper together, where that is at least one of the floors."""
        sums = {
            start + number: similarity
            for lists, start in self._cache.start_of.items()
            for number, similarity in examples.similarities(lists).items()
        }
        for word, frequencies in zip(self._words, self._frequencies, strict=True):
            for number, tf in frequencies.items():
                sums[number] = sums.get(number, 0) + word.weight * impact(word.idf, tf, self._norms[number])
        return {number: relevance for number, relevance in sums.items() if relevance >= self._least}

    def _most(self, word: _WeightedWord) -> int:
        """The most that a word can add: in title and abstract of an empty paper."""
        return word.weight * impact(word.idf, _MAX_TF, self._weights.norm(0))


def _weighted_words(parsed: ParsedProfile) -> Sequence[_WeightedWord]:
    words = [
        _WeightedWord(
            word_query(Word(term.text, term.prefix, term.text, True)),
            "" if term.prefix else term.text,
            weight,
            parsed.idf[term],
        )
        for term, weight in parsed.plain_weights.items()
    ]
    return sorted(words, key=lambda word: -word.weight * word.idf)
