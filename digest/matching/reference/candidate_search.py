"""The papers that may match a profile, found by posting lists: never too few, and few enough to evaluate each.

`reference_matcher` decides about them. A paper matches as written, is by a followed author, or is close: its words have
at least the profile's floor of relevance. The relevance of plain words is computed here as the matcher computes it, so
of close papers only those that can be selected are returned. The similarity to example papers is bounded, because the
lists do not tell whether two words are adjacent in the title or in the abstract.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from digest.matching.query.language import Term, author_ids, parse
from digest.matching.query.syntax_tree import Word
from digest.matching.reference.example_bounds import ExampleBounds
from digest.matching.reference.paper_evaluation import are_rare_together
from digest.matching.reference.parsed_profile import ParsedProfile
from digest.matching.reference.posting_cache import PostingCache
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.scoring.bm25 import Weights, impact
from digest.matching.scoring.index_terms import AnyOf, IndexQuery, category_query, lookup, word_query
from digest.matching.scoring.parameters import ABSTRACT_TF, CLOSE_PAPERS_PER_DAY, TITLE_TF
from digest.papers.subjects import with_equivalents
from digest.text.person_references import reference_of

_MAX_TF = TITLE_TF + ABSTRACT_TF
MAX_RELEVANCE = 1 << 62  # more than any paper's
_NO_PAPERS: IndexQuery = AnyOf(())


@dataclass(frozen=True, slots=True)
class _WeightedWord:
    """A word of plain topics. `stem`: '' for a prefix, whose frequency is known only as its maximum in `query`."""

    query: IndexQuery
    stem: str
    weight: int
    idf: int

    def frequencies(self, cache: PostingCache) -> Mapping[PostingLists, Mapping[int, int]]:
        """The tf of each paper with the word, for each announcement."""
        if self.stem:
            return cache.frequencies(self.stem)
        return {lists: dict.fromkeys(numbers, _MAX_TF) for lists, numbers in cache.find(self.query).items()}


@dataclass(frozen=True, slots=True)
class RelevanceSample:
    """What sets a threshold: `relevances` of papers that match closely, and papers that are to be evaluated."""

    relevances: tuple[int, ...]
    undecided: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _AnnouncementHits:
    """What an announcement has: papers as written, excluded ones, and relevances of at least about the floor."""

    written: set[int]
    excluded: set[int]
    relevances: dict[int, int]


class CandidateSearch:
    """Searches posting lists for one profile, but not for people by their ids. Raises BadQuery.

    An announcement that both sets the threshold and is previewed is searched once.
    """

    def __init__(self, parsed: ParsedProfile, weights: Weights, cache: PostingCache) -> None:
        self._profile = profile = parsed.profile
        self._weights, self._floor = weights, parsed.floor if profile.close else 0
        self._parsed, self._needs_context = parsed, parsed.contexts is not None
        self._close_topics = [topic for topic in parsed.topics if topic.has_close_papers]
        lookups = [lookup(topic.query.root, exact_pairs=True) for topic in parsed.topics]
        self._as_written = [cache.find(result.query) for result in lookups]
        self._is_written_exact = all(result.is_exact for result in lookups)
        names = [author for author in profile.authors if reference_of(author) is None]
        self._followed = AnyOf(tuple(lookup(Term(name, "au")).query for name in names))
        self._categories = cache.find(AnyOf(tuple(map(category_query, with_equivalents(profile.categories)))))
        exclusions = [lookup(parse(text).root, exact_pairs=True) for text in profile.exclusions]
        self._excluded = AnyOf(tuple(result.query for result in exclusions if result.is_exact))
        self._words = _weighted_words(parsed)
        self._examples = ExampleBounds(parsed, weights) if profile.close and profile.examples else None
        self._least = min(floor for floor in (self._floor, self._examples.floor) if floor) if self._examples else 0
        uses_words = bool(self._floor or self._examples)
        self._frequencies = [word.frequencies(cache) for word in self._words] if uses_words else []
        self._frequencies_by_stem = dict(zip([word.stem for word in self._words], self._frequencies, strict=False))
        self._norms = cache.norms(weights)
        self._hits_by_lists: dict[PostingLists, _AnnouncementHits] = {}
        # whether relevance and permission of a paper that does not match as written are known without evaluating it
        self._is_exact = (
            all(word.stem for word in self._words)
            and all(result.is_exact for result in exclusions)
            and not profile.primary_only
            and self._examples is None
            and not any(author_ids(topic.text) for topic in profile.topics if not topic.muted)
        )

    def candidates(self, lists: PostingLists, eligible: Collection[int], tau: int | None) -> list[int]:
        """Ids of the papers of one announcement that may be selected. `tau`: the threshold, None for none yet."""
        hits = self._search(lists)
        numbers = lists.find(self._followed)
        if self._profile.finds_papers:
            numbers |= self._allowed(lists, hits.written | self._closest(lists, hits, eligible, tau))
        elif self._profile.categories:
            numbers |= self._categories[lists]
        return [paper_id for paper_id in self._ids(lists, numbers - hits.excluded) if paper_id in eligible]

    def sample(self, lists: PostingLists, eligible: Collection[int]) -> RelevanceSample:
        """The close papers of one of the announcements that set the threshold.

        Less relevant papers than the profile's floor are left out: a threshold below it admits the same papers as 0.
        """
        if not self._floor:
            return RelevanceSample((), ())
        hits = self._search(lists)
        written, relevances = hits.written, hits.relevances
        numbers = [
            number
            for number in self._allowed(lists, relevances.keys() - hits.excluded)
            if lists.ids[number] in eligible
        ]
        if not self._is_exact:
            return RelevanceSample((), tuple(self._ids(lists, numbers)))
        undecided = () if self._is_written_exact else self._ids(lists, [n for n in numbers if n in written])
        return RelevanceSample(tuple(relevances[n] for n in numbers if n not in written), tuple(undecided))

    def bounds(self, lists: PostingLists, eligible: Collection[int]) -> dict[int, int]:
        """For a profile with examples, the most that the relevance of each paper of one announcement can be.

        Less than the profile's floors is left out, as in `sample`. That of a followed author has no bound.
        """
        hits, followed = self._search(lists), lists.find(self._followed)
        numbers = self._allowed(lists, (hits.relevances.keys() | followed) - hits.excluded)
        bound_by_paper = {lists.ids[n]: MAX_RELEVANCE if n in followed else hits.relevances[n] for n in numbers}
        return {paper_id: bound for paper_id, bound in bound_by_paper.items() if paper_id in eligible}

    def _search(self, lists: PostingLists) -> _AnnouncementHits:
        if lists not in self._hits_by_lists:
            relevances = self._relevances(lists) if self._floor else {}
            if self._examples is not None:
                relevances = self._with_examples(lists, self._examples)
            self._hits_by_lists[lists] = _AnnouncementHits(
                set().union(*(papers_by_lists[lists] for papers_by_lists in self._as_written)),
                lists.find(self._excluded),
                relevances,
            )
        return self._hits_by_lists[lists]

    def _closest(
        self, lists: PostingLists, hits: _AnnouncementHits, eligible: Collection[int], tau: int | None
    ) -> set[int]:
        """The papers of one announcement that may be close: those above `tau`, without one the few most relevant.

        While contexts are unknown, the words that a paper holds decide.
        """
        least = 0 if tau is None else tau + 1
        numbers = self._allowed(lists, hits.relevances.keys() - hits.written - hits.excluded)
        close = [(-relevance, lists.ids[n], n) for n in numbers if (relevance := hits.relevances[n]) >= least]
        if self._is_exact and not self._needs_context:
            close = [paper for paper in close if paper[1] in eligible and self._holds_topic(lists, paper[2])]
            close = nsmallest(CLOSE_PAPERS_PER_DAY, close) if tau is None else close
        return {number for _, _, number in close}

    def _holds_topic(self, lists: PostingLists, number: int) -> bool:
        """True where a paper holds words of a topic that are rare together; of profiles without prefixes."""
        norm = self._weights.norm(lists.lengths[number])
        for topic in self._close_topics:
            tfs = ((word, self._frequencies_by_stem[word.text][lists].get(number, 0)) for word in topic.term_bits)
            held_words = [word for word, tf in tfs if impact(self._parsed.idf[word], tf, norm)]
            if are_rare_together(self._parsed, topic, held_words):
                return True
        return False

    def _allowed(self, lists: PostingLists, numbers: set[int]) -> set[int]:
        return numbers & self._categories[lists] if self._profile.categories and numbers else numbers

    def _relevances(self, lists: PostingLists) -> dict[int, int]:
        """The relevance by plain words of each paper that reaches the floor, at most too high where prefixes count.

        Words are added from the heaviest one on. Once those that remain can't reach the floor together, only papers
        that have a heavier one are looked at.
        """
        sums: dict[int, int] = {}
        remaining = sum(self._most(word) for word in self._words)
        norms = self._norms[lists]
        for word, frequencies_of in zip(self._words, self._frequencies, strict=True):
            frequencies = frequencies_of[lists]
            adds_papers = remaining >= self._floor
            remaining -= self._most(word)
            numbers: Iterable[int] = frequencies if adds_papers else frequencies.keys() & sums.keys()
            weight, idf = word.weight, word.idf
            for number in numbers:
                gain = weight * impact(idf, frequencies[number], norms[number])
                sums[number] = sums.get(number, 0) + gain
        return {number: relevance for number, relevance in sums.items() if relevance >= self._floor}

    def _with_examples(self, lists: PostingLists, examples: ExampleBounds) -> dict[int, int]:
        """The most that plain words and examples give each paper together, where that is at least one of the floors."""
        sums = examples.similarities(lists)
        norms = self._norms[lists]
        for word, frequencies_of in zip(self._words, self._frequencies, strict=True):
            for number, tf in frequencies_of[lists].items():
                sums[number] = sums.get(number, 0) + word.weight * impact(word.idf, tf, norms[number])
        return {number: relevance for number, relevance in sums.items() if relevance >= self._least}

    def _most(self, word: _WeightedWord) -> int:
        """The most that a word can add: in title and abstract of an empty paper."""
        return word.weight * impact(word.idf, _MAX_TF, self._weights.norm(0))

    @staticmethod
    def _ids(lists: PostingLists, numbers: Iterable[int]) -> list[int]:
        return [lists.ids[number] for number in numbers]


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
