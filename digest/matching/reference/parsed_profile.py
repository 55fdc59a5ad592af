"""A parsed profile: its queries, and the weights of their words in an epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

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
from digest.matching.scoring.bm25 import Weights, close_floor, weight
from digest.matching.scoring.boolean_match import Document, Predicate, author_predicate, predicate


@dataclass(frozen=True, slots=True)
class ParsedTerm:
    """A query term, analysed for matching.

    `term_bits`: its profile terms, each with the key under which it is scored. `phrase`: it has several weighted words
    of title and abstract. `stems`: words that a matching title or abstract must contain; `is_sufficient_word`: it has
    one stem, and that alone is a match.
    """

    term: Term
    holds: Predicate
    term_bits: tuple[tuple[ProfileTerm, ProfileTerm], ...]
    phrase: bool
    stems: tuple[str, ...]
    one_word: bool

    @classmethod
    def of(cls, term: Term) -> ParsedTerm:
        """The term analysed, once for all papers."""
        words = phrase_words(term) if term.field in {"", "ti", "abs"} else ()
        stems = tuple(word.text for word in words if not word.prefix)
        wants = profile_terms_of(term)
        worth = tuple((want, counted_word(want)) for want in wants)
        return cls(
            term,
            predicate(term),
            worth,
            sum(want.field in TEXT_FIELDS for want in wants) > 1,
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
    holds: Predicate
    terms: tuple[ParsedTerm, ...]
    any_term: bool

    @classmethod
    def of(cls, index: int, query: Query) -> ParsedTopic:
        """A topic's query analysed, once for all papers."""
        found = tuple(ParsedTerm.of(term) for term in positive_terms(query.root))
        wants = tuple(want for term in found for want, _ in term.term_bits)
        parts = query.root.parts if isinstance(query.root, Or) else (query.root,)
        simple = all(isinstance(part, Term) for part in parts)
        return cls(index, query, wants, predicate(query.root), found, simple)


@dataclass(frozen=True, slots=True)
class ParsedProfile:
    """A parsed profile. `plain_weights`: the weight of each word of its plain topics; `bit_of_term`: bits of the mask.

    `plain_words` and `plain_prefixes`: the keys of `plain_weights`, by word. `terms`: the terms of all topics in order;
    `by_stem`: the positions of the terms that need a stem, `other_terms`: of those that need none.
    """

    profile: Profile
    topics: tuple[ParsedTopic, ...]
    exclusions: tuple[Predicate, ...]
    authors: tuple[tuple[str, Predicate], ...]
    categories: tuple[str, ...]
    bits: Mapping[ProfileTerm, int]
    plain: Mapping[ProfileTerm, int]
    idf: Mapping[ProfileTerm, int]
    floor: int
    plain_words: Mapping[str, ProfileTerm]
    plain_prefixes: tuple[ProfileTerm, ...]
    terms: tuple[tuple[ParsedTopic, ParsedTerm], ...]
    by_stem: Mapping[str, tuple[int, ...]]
    other_terms: tuple[int, ...]

    def query_text(self, document: Document) -> list[int]:
        """The positions in `terms` of the terms that match where their topic matches as written, in no order.

        Terms that need a stem which the paper lacks are skipped by index, because most terms do.
        """
        places = list(self.other_terms)
        for stem in self.by_stem.keys() & document.tf.keys():
            places += self.by_stem[stem]
        satisfied = {topic.index: topic.holds(document) for topic in self.topics if not topic.any_term}
        terms = self.terms
        return [
            place
            for place in places
            for topic, term in (terms[place],)
            if (term.one_word or term.holds(document)) and (topic.any_term or satisfied[topic.index])
        ]


def counted_word(want: ProfileTerm) -> ProfileTerm:
    """The key of a term in scoring: a word has the same weight in every text field, and counts once."""
    return want._replace(field="") if want.field in TEXT_FIELDS else want


def parse_profile(profile: Profile, weights: Weights) -> ParsedProfile:
    """Parse a profile and weight its words by the counts of one epoch. Raises BadQuery."""
    heard = [(index, parse(topic.text)) for index, topic in enumerate(profile.topics) if not topic.muted]
    topics = tuple(ParsedTopic.of(index, query) for index, query in heard)
    times = Counter(want for topic in topics if topic.query.plain for want in set(topic.term_bits))
    plain = {want: weight(times[want]) for want in times}
    words = {want._replace(field="") for topic in topics for want in topic.term_bits if want.field in TEXT_FIELDS}
    words |= {ProfileTerm("", stem) for stem, _ in profile.likes}
    idf = {want: weights.idf(want.text, prefix=want.prefix) for want in words}
    sums = [sum(plain[want] * idf[want] for want in t.term_bits) for t in topics if t.query.plain and t.term_bits]
    places = [(topic, term) for topic in topics for term in topic.terms]
    by_stem: dict[str, tuple[int, ...]] = {}
    for place, (_, term) in enumerate(places):
        if term.stems:
            rarest = max(term.stems, key=weights.idf)
            by_stem[rarest] = (*by_stem.get(rarest, ()), place)
    return ParsedProfile(
        profile=profile,
        topics=topics,
        exclusions=tuple(predicate(parse(text).root) for text in profile.exclusions),
        authors=tuple((name, author_predicate(name)) for name in profile.authors),
        categories=tuple(category.lower() for category in profile.categories),
        bits={want: 1 << number for number, want in enumerate(profile_terms(profile))},
        plain=plain,
        idf=idf,
        floor=close_floor(min(sums, default=0)),
        plain_words={want.text: want for want in plain if not want.prefix},
        plain_prefixes=tuple(want for want in plain if want.prefix),
        terms=tuple(places),
        by_stem=by_stem,
        other_terms=tuple(place for place, (_, term) in enumerate(places) if not term.stems),
    )
