"""A parsed profile: its queries, and the weights of their words in an epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from digest.matching.profile import Profile
from digest.matching.query.language import (
    TEXT_FIELDS,
    Or,
    ProfileTerm,
    Query,
    Term,
    parse,
    phrase_words,
    positive_terms,
    profile_terms,
    profile_terms_of,
)
from digest.matching.scoring.bm25 import Weights, close_floor, topic_weight
from digest.matching.scoring.boolean_match import Document, Predicate, followed_predicate, predicate
from digest.matching.scoring.example_vectors import stems_of, term_idf
from digest.matching.scoring.topic_context import NO_CONTEXTS, TopicContext
from digest.papers.subjects import with_equivalents

_TITLE_FIELDS = {"", "ti", "all"}  # fields whose words may stand in the title


@dataclass(frozen=True, slots=True)
class ParsedTerm:
    """A query term, analysed for matching.

    `title_term`: the same words in the title; None for a term of other fields. `term_bits`: its profile terms, each
    with the key under which it is scored. `phrase`: it has several weighted words of title and abstract. `stems`: words
    that a matching title or abstract must contain; `one_word`: it has one stem, and that alone is a match.
    """

    term: Term
    matches: Predicate
    title_term: Term | None
    term_bits: tuple[tuple[ProfileTerm, ProfileTerm], ...]
    phrase: bool
    stems: tuple[str, ...]
    one_word: bool

    @classmethod
    def from_term(cls, term: Term) -> ParsedTerm:
        """The term analysed, once for all papers."""
        words = phrase_words(term) if term.field in {"", "ti", "abs"} else ()
        stems = tuple(word.text for word in words if not word.prefix)
        profile_terms = profile_terms_of(term)
        term_bits = tuple((profile_term, scoring_key(profile_term)) for profile_term in profile_terms)
        return cls(
            term,
            predicate(term),
            replace(term, field="ti") if term.field in _TITLE_FIELDS else None,
            term_bits,
            sum(profile_term.field in TEXT_FIELDS for profile_term in profile_terms) > 1,
            stems,
            one_word=len(stems) == 1 and len(words) == 1 and not term.field,
        )


@dataclass(frozen=True, slots=True)
class ParsedTopic:
    """One topic that is not muted: its index in the profile, its query and its terms.

    `any_term`: the query is a term or several joined by OR, so that it matches where one of its `terms` does.
    """

    index: int
    query: Query
    term_bits: tuple[ProfileTerm, ...]
    matches: Predicate
    terms: tuple[ParsedTerm, ...]
    any_term: bool

    @classmethod
    def from_query(cls, index: int, query: Query) -> ParsedTopic:
        """A topic's query analysed, once for all papers."""
        terms = tuple(ParsedTerm.from_term(term) for term in positive_terms(query.root))
        term_bits = tuple(profile_term for term in terms for profile_term, _ in term.term_bits)
        parts = query.root.parts if isinstance(query.root, Or) else (query.root,)
        any_term = all(isinstance(part, Term) for part in parts)
        return cls(index, query, term_bits, predicate(query.root), terms, any_term)

    @property
    def has_close_papers(self) -> bool:
        """True for a plain topic with weighted words."""
        return self.query.plain and bool(self.term_bits)


@dataclass(frozen=True, slots=True)
class ParsedProfile:
    """A parsed profile. `plain_weights`: the weight of each word of its plain topics; `bit_of_term`: bits of the mask.

    `plain_words` and `plain_prefixes`: the keys of `plain_weights`, by word. `terms`: the terms of all topics in order;
    `by_stem`: the positions of the terms that need a stem, `other_terms`: of those that need none. `examples`: of each
    term of the example papers its stems, weight and idf. `close_topics`: the plain topics with words; `contexts`: by a
    topic's text, as far as they are known.
    """

    profile: Profile
    topics: tuple[ParsedTopic, ...]
    exclusions: tuple[Predicate, ...]
    authors: tuple[tuple[str, Predicate], ...]
    categories: tuple[str, ...]
    bit_of_term: Mapping[ProfileTerm, int]
    plain_weights: Mapping[ProfileTerm, int]
    idf: Mapping[ProfileTerm, int]
    floor: int
    plain_words: Mapping[str, ProfileTerm]
    plain_prefixes: tuple[ProfileTerm, ...]
    terms: tuple[tuple[ParsedTopic, ParsedTerm], ...]
    by_stem: Mapping[str, tuple[int, ...]]
    other_terms: tuple[int, ...]
    examples: tuple[tuple[tuple[str, ...], int, int], ...]
    close_topics: tuple[ParsedTopic, ...]
    contexts: Mapping[str, TopicContext]

    def known_contexts(self) -> list[TopicContext] | None:
        """The contexts of `close_topics`; None where one of them is unknown."""
        contexts: list[TopicContext] = []
        for topic in self.close_topics:
            context = self.contexts.get(self.profile.topics[topic.index].text)
            if context is None:
                return None
            contexts.append(context)
        return contexts

    def satisfied_terms(self, document: Document) -> list[int]:
        """The positions in `terms` of the terms that match where their topic matches as written, in no order.

        Terms that need a stem which the paper lacks are skipped by index, because most terms do.
        """
        positions = list(self.other_terms)
        for stem in self.by_stem.keys() & document.tf.keys():
            positions += self.by_stem[stem]
        satisfied = {topic.index: topic.matches(document) for topic in self.topics if not topic.any_term}
        terms = self.terms
        return [
            position
            for position in positions
            for topic, term in (terms[position],)
            if (term.one_word or term.matches(document)) and (topic.any_term or satisfied[topic.index])
        ]


def scoring_key(profile_term: ProfileTerm) -> ProfileTerm:
    """The key of a term in scoring: a word has the same weight in every text field, and counts once."""
    return profile_term._replace(field="") if profile_term.field in TEXT_FIELDS else profile_term


def parse_profile(
    profile: Profile, weights: Weights, contexts: Mapping[str, TopicContext] = NO_CONTEXTS
) -> ParsedProfile:
    """Parse a profile and weight its words by the counts of one epoch. `contexts`: by topic. Raises BadQuery."""
    queries = [(index, parse(topic.text)) for index, topic in enumerate(profile.topics) if not topic.muted]
    topics = tuple(ParsedTopic.from_query(index, query) for index, query in queries)
    topic_counts = Counter(
        profile_term for topic in topics if topic.query.plain for profile_term in set(topic.term_bits)
    )
    plain_weights = {profile_term: topic_weight(topic_counts[profile_term]) for profile_term in topic_counts}
    words = {scoring_key(term) for topic in topics for term in topic.term_bits if term.field in TEXT_FIELDS}
    words |= {ProfileTerm("", stem) for stem, _ in profile.likes}
    idf = {profile_term: weights.idf(profile_term.text, prefix=profile_term.prefix) for profile_term in words}
    close_topics = tuple(topic for topic in topics if topic.has_close_papers)
    weighted_words = [[(plain_weights[term], idf[term]) for term in topic.term_bits] for topic in close_topics]
    topic_terms = [(topic, term) for topic in topics for term in topic.terms]
    return ParsedProfile(
        profile=profile,
        topics=topics,
        exclusions=tuple(predicate(parse(text).root) for text in profile.exclusions),
        authors=tuple((author, followed_predicate(author)) for author in profile.authors),
        categories=tuple(category.lower() for category in with_equivalents(profile.categories)),
        bit_of_term={profile_term: 1 << number for number, profile_term in enumerate(profile_terms(profile))},
        plain_weights=plain_weights,
        idf=idf,
        floor=close_floor(weighted_words),
        plain_words={profile_term.text: profile_term for profile_term in plain_weights if not profile_term.prefix},
        plain_prefixes=tuple(profile_term for profile_term in plain_weights if profile_term.prefix),
        terms=tuple(topic_terms),
        by_stem=_positions_by_rarest_stem((term for _, term in topic_terms), weights),
        other_terms=tuple(position for position, (_, term) in enumerate(topic_terms) if not term.stems),
        examples=_weighted_examples(profile, weights),
        close_topics=close_topics,
        contexts=contexts,
    )


def _positions_by_rarest_stem(terms: Iterable[ParsedTerm], weights: Weights) -> dict[str, tuple[int, ...]]:
    """The positions of the terms that need stems, each under the stem that the fewest papers have."""
    positions: dict[str, tuple[int, ...]] = {}
    for position, term in enumerate(terms):
        if term.stems:
            rarest = max(term.stems, key=weights.idf)
            positions[rarest] = (*positions.get(rarest, ()), position)
    return positions


def _weighted_examples(profile: Profile, weights: Weights) -> tuple[tuple[tuple[str, ...], int, int], ...]:
    return tuple((stems_of(term.stems), term.weight, term_idf(term.stems, weights)) for term in profile.example_terms)
