"""A profile understood: its queries, and what their words weigh in an epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
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
from digest.matching.scoring.bm25 import Weights, close_floor, weight
from digest.matching.scoring.boolean_match import Document, Predicate, author_predicate, predicate

_TITLE_FIELDS = {"", "ti", "all"}  # fields whose words may stand in the title


def _nowhere(_document: Document) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class ParsedTerm:
    """A term that a match may be shown by.

    `in_title`: whether its words stand in the title. `term_bits`: each thing that shows it, by what it counts as.
    `phrase`: more than one word of title and abstract.
    `stems`: words without which title and abstract cannot hold it; `one_word`: such a word that suffices.
    """

    term: Term
    holds: Predicate
    in_title: Predicate
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
            predicate(replace(term, field="ti")) if term.field in _TITLE_FIELDS else _nowhere,
            worth,
            sum(want.field in TEXT_FIELDS for want in wants) > 1,
            stems,
            one_word=len(stems) == 1 and len(words) == 1 and not term.field,
        )


@dataclass(frozen=True, slots=True)
class ParsedTopic:
    """One topic that is not muted: its place in the profile, its query, and what to look for.

    `any_term`: the query is a term or several joined by OR, so that it holds where one of its `terms` does.
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
    """A profile understood. `plain`: the weight of each word of its plain topics; `bits`: the terms' numbers.

    `plain_words` and `plain_prefixes`: what `plain` looks for, by word. `terms`: each topic's terms, one behind the
    other; `by_stem`: the places among them of those that need a stem, `other_terms`: of those that need none.
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
        """The places of the terms that show the paper to satisfy their topics as written, in no order.

        Most terms need a word that the paper lacks: only the others are looked at.
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
    """A word is worth the same in whatever field it was asked for, and counts once."""
    return want._replace(field="") if want.field in TEXT_FIELDS else want


def parse_profile(profile: Profile, weights: Weights) -> ParsedProfile:
    """What a profile wants, weighed by the counts of one epoch. Raises BadQuery."""
    heard = [(index, parse(topic.text)) for index, topic in enumerate(profile.topics) if not topic.muted]
    topics = tuple(ParsedTopic.of(index, query) for index, query in heard)
    times = Counter(want for topic in topics if topic.query.plain for want in set(topic.term_bits))
    plain = {want: weight(times[want]) for want in times}
    words = {want._replace(field="") for topic in topics for want in topic.term_bits if want.field in TEXT_FIELDS}
    words |= {ProfileTerm("", stem) for stem, _ in profile.likes}
    idf = {want: weights.idf(want.text, prefix=want.prefix) for want in words}
    words_of = [topic.term_bits for topic in topics if topic.query.plain and topic.term_bits]
    worth = [(sum(plain[want] * idf[want] for want in some), [idf[want] for want in some]) for some in words_of]
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
        floor=close_floor(worth),
        plain_words={want.text: want for want in plain if not want.prefix},
        plain_prefixes=tuple(want for want in plain if want.prefix),
        terms=tuple(places),
        by_stem=by_stem,
        other_terms=tuple(place for place, (_, term) in enumerate(places) if not term.stems),
    )
