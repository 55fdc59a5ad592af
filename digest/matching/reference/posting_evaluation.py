"""The evaluation of papers for a profile by posting lists alone, with the results of `paper_evaluation`.

It takes a tenth of the time of preparing and evaluating a paper. About some papers the lists don't tell enough: those
that may have a word with a prefix of the profile, one of its authors, or its words in other texts than title and
abstract.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from digest.matching.query.language import ProfileTerm, author_ids, parse
from digest.matching.query.syntax_tree import Word
from digest.matching.reference.paper_evaluation import Finding, RankedPaper, topic_gains
from digest.matching.reference.parsed_profile import ParsedProfile
from digest.matching.reference.posting_cache import PostingCache
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.index_terms import Lookup, lookup, word_query
from digest.matching.scoring.topic_context import PaperVector, paper_vector
from digest.text.person_references import reference_of


@dataclass(frozen=True, slots=True)
class _TopicPapers:
    """The numbers of the papers that match a topic as written, and of those that have each of its terms."""

    papers: frozenset[int]
    papers_of_term: Sequence[tuple[int, frozenset[int]]]  # by position in `ParsedProfile.terms`


class PostingEvaluation:
    """Evaluates papers for one profile by their numbers in a cache of posting lists. Raises BadQuery.

    `written`: papers that may match a topic as written; `excluded`: papers that an exclusion certainly leaves out.
    """

    def __init__(self, parsed: ParsedProfile, weights: Weights, cache: PostingCache) -> None:
        self._parsed, self._weights, self._cache = parsed, weights, cache
        self._norms = cache.norms(weights)
        topics = [lookup(topic.query.root, exact_phrases=True) for topic in parsed.topics]
        exclusions = [lookup(parse(text).root, exact_phrases=True) for text in parsed.profile.exclusions]
        self.written: frozenset[int] = frozenset().union(*map(self._find, topics))
        self.excluded: frozenset[int] = frozenset().union(*(self._find(part) for part in exclusions if part.is_exact))
        self._topic_papers = self._papers_of_topics(topics)
        self._undecided: Sequence[Collection[int]] = [
            cache.long_papers,
            *(self._find(part) for part in (*topics, *exclusions) if not part.is_exact),
            *(cache.find(word_query(Word(word.text, True, word.text, True))) for word in parsed.plain_prefixes),
        ]
        self._decides = _is_decided_by_words(parsed)
        self._frequencies: dict[str, Mapping[int, int]] = {}

    def decides(self, number: int) -> bool:
        """True for a paper about which the lists tell everything, provided that no followed author wrote it."""
        return self._decides and not any(number in papers for papers in self._undecided)

    def evaluate(self, number: int, paper: RankedPaper) -> Finding:
        """As `evaluate_paper`, for a paper that the lists decide and that the profile's categories allow."""
        strict_positions = [
            position
            for topic in self._topic_papers
            if number in topic.papers
            for position, papers in topic.papers_of_term
            if number in papers
        ]
        gains = topic_gains(
            self._parsed,
            partial(self._tf, number),
            self._norms[number],
            self._parsed.plain_weights,
            strict_positions,
        )
        return Finding(paper, _PostedText(self, number), gains, strict_positions, allowed=True)

    def vector(self, number: int, weights: Weights) -> PaperVector:
        """The words of a paper, as a vector."""
        frequencies, tokens = self._cache.paper_words(number)
        lengths = self._cache.vector_lengths(weights)
        vector = paper_vector(frequencies, tokens, weights, lengths.get(number))
        lengths[number] = vector.length
        return vector

    def has_in_title(self, number: int, position: int) -> bool:
        """True where a term that a paper has is in its title."""
        term = self._parsed.terms[position][1].title_term
        return term is not None and number in self._find(lookup(term, exact_phrases=True))

    def _find(self, part: Lookup) -> frozenset[int]:
        return self._cache.find(part.query)

    def _tf(self, number: int, word: ProfileTerm) -> int:
        frequencies = self._frequencies.get(word.text)
        if frequencies is None:
            frequencies = self._frequencies[word.text] = self._cache.frequencies(word.text)
        return frequencies.get(number, 0)

    def _papers_of_topics(self, topics: Sequence[Lookup]) -> list[_TopicPapers]:
        papers_of_term: dict[int, list[tuple[int, frozenset[int]]]] = {}
        for position, (topic, term) in enumerate(self._parsed.terms):
            papers = self._find(lookup(term.term, exact_phrases=True))
            papers_of_term.setdefault(topic.index, []).append((position, papers))
        return [
            _TopicPapers(self._find(part), papers_of_term[topic.index])
            for topic, part in zip(self._parsed.topics, topics, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _PostedText:
    """The text of a paper in posting lists."""

    evaluation: PostingEvaluation
    number: int

    def vector(self, weights: Weights) -> PaperVector:
        """As `PaperText.vector`."""
        return self.evaluation.vector(self.number, weights)

    def has_in_title(self, position: int) -> bool:
        """As `PaperText.has_in_title`."""
        return self.evaluation.has_in_title(self.number, position)


def _is_decided_by_words(parsed: ParsedProfile) -> bool:
    """False for a profile with examples, ids of people or primary categories, about which the lists tell little."""
    profile = parsed.profile
    queries = (*(topic.text for topic in profile.topics if not topic.muted), *profile.exclusions)
    return (
        profile.examples is None
        and not (profile.primary_only and profile.categories)
        and not any(reference_of(author) for author in profile.authors)
        and not any(map(author_ids, queries))
    )
