"""The evaluation of one paper for a profile by the reference matcher: what it has of the profile's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digest.matching.query.language import TEXT_FIELDS, ProfileTerm
from digest.matching.reference.parsed_profile import ParsedProfile, ParsedTerm, ParsedTopic
from digest.matching.scoring.bm25 import Weights, impact, score, words_needed
from digest.matching.scoring.boolean_match import Document, in_category
from digest.matching.scoring.example_vectors import term_frequency
from digest.matching.scoring.parameters import (
    ABSTRACT_TF,
    COMPLETE_IDF,
    EXAMPLE_UNIT,
    FIXED_IMPACTS,
    NEAR_TOPICS,
    TITLE_TF,
    TOPIC_WEIGHT,
)
from digest.matching.scoring.relevance_feedback import lift
from digest.matching.scoring.topic_context import nearness_of, paper_vector
from digest.text.folding import fold_text


@dataclass(frozen=True, slots=True)
class Finding:
    """The evaluation of one paper for a profile. `gains`: the gain of each matched term.

    `strict_positions`: the positions in `ParsedProfile.terms` of the terms by which topics match as written.
    `strict_gains`: the gains of these terms' words; `phrase_gain`: the extra gain of phrases. `liked_impacts`: the
    weighted impacts of words of liked papers. `similarity`: to the example papers; `shared_terms`: the positions of
    those terms of the examples that the paper has.
    """

    document: Document
    gains: dict[ProfileTerm, int]
    strict_positions: list[int]
    strict_gains: dict[ProfileTerm, int]
    phrase_gain: int
    followed: tuple[str, ...]
    liked_impacts: tuple[int, ...]
    similarity: int = 0
    shared_terms: tuple[int, ...] = ()

    @property
    def topic_relevance(self) -> int:
        """The relevance by topics alone."""
        return sum(self.gains.values()) + self.phrase_gain

    @property
    def relevance(self) -> int:
        """The relevance by topics and examples."""
        return self.topic_relevance + self.similarity

    @property
    def score(self) -> int:
        """Likes raise only the score; relevance alone decides whether a paper matches."""
        return score(self.relevance + lift(self.liked_impacts, self.relevance), self.document.candidate.trending)


def evaluate_paper(parsed: ParsedProfile, document: Document, weights: Weights) -> Finding:
    """Evaluate one paper: words of plain topics always count, those of a query only where the query matches."""
    norm = weights.norm(document.length)
    followed = tuple([author for author, is_author in parsed.authors if is_author(document)])
    likes = ((ProfileTerm("", stem), weight) for stem, weight in parsed.profile.likes if stem in document.tf)
    liked_impacts = tuple(
        weight * impact(parsed.idf[profile_term], document.tf[profile_term.text], norm)
        for profile_term, weight in likes
    )
    gains: dict[ProfileTerm, int] = {}
    for stem in parsed.plain_words.keys() & document.tf.keys():
        profile_term = parsed.plain_words[stem]
        gains[profile_term] = parsed.plain_weights[profile_term] * impact(
            parsed.idf[profile_term], document.tf[stem], norm
        )
    for profile_term in parsed.plain_prefixes:
        if tf := _tf(profile_term, document):
            gains[profile_term] = parsed.plain_weights[profile_term] * impact(parsed.idf[profile_term], tf, norm)
    strict_positions = parsed.satisfied_terms(document)
    strict_gains: dict[ProfileTerm, int] = {}
    phrase_gain = sum(
        [
            _add_strict_gains(parsed.terms[position][1], parsed, document, norm, strict_gains)
            for position in strict_positions
        ]
    )
    gains = strict_gains | gains
    for author in followed:
        gains[ProfileTerm("au", fold_text(author))] = TOPIC_WEIGHT * FIXED_IMPACTS["au"]
    similarity, shared_terms = _similarity(parsed, document, norm)
    return Finding(
        document, gains, strict_positions, strict_gains, phrase_gain, followed, liked_impacts, similarity, shared_terms
    )


def _similarity(parsed: ParsedProfile, document: Document, norm: int) -> tuple[int, tuple[int, ...]]:
    """The similarity of a paper to the example papers, and the positions of the terms that they share."""
    total, shared_terms = 0, []
    for position, (stems, weight, idf) in enumerate(parsed.examples):
        if tf := term_frequency(document, stems):
            total += weight * impact(idf, tf, norm)
            shared_terms.append(position)
    return total // EXAMPLE_UNIT, tuple(shared_terms)


def is_similar(parsed: ParsedProfile, finding: Finding) -> bool:
    """True where the example papers admit the paper."""
    examples = parsed.profile.examples
    return examples is not None and finding.similarity >= examples.floor


def _add_strict_gains(
    term: ParsedTerm, parsed: ParsedProfile, document: Document, norm: int, strict_gains: dict[ProfileTerm, int]
) -> int:
    """Add a matched term's gains to `strict_gains`. Returns the extra gain of a phrase, else 0."""
    for profile_term, key in term.term_bits:
        if key in strict_gains:
            continue
        if profile_term.field not in TEXT_FIELDS:
            strict_gains[key] = TOPIC_WEIGHT * FIXED_IMPACTS[profile_term.field]
        else:
            tf = _tf(profile_term, document) if profile_term.prefix else document.tf.get(profile_term.text, 0)
            strict_gains[key] = TOPIC_WEIGHT * impact(parsed.idf[key], tf, norm)
    return sum([strict_gains[key] for _, key in term.term_bits]) if term.phrase else 0


def _tf(profile_term: ProfileTerm, document: Document) -> int:
    """3 for a word in the title, 1 in the abstract, 4 in both; a prefix matches any word that begins with it."""
    if not profile_term.prefix:
        return document.tf.get(profile_term.text, 0)
    in_title, in_abstract = (text.has_prefix(profile_term.text) for text in (document.title, document.abstract))
    return TITLE_TF * in_title + ABSTRACT_TF * in_abstract


def is_allowed(parsed: ParsedProfile, finding: Finding) -> bool:
    """True where the profile's categories allow the paper; a paper without categories is in none."""
    categories = finding.document.categories[: 1 if parsed.profile.primary_only else None]
    return not parsed.categories or any(in_category(category, categories) for category in parsed.categories)


def is_close_to_topics(parsed: ParsedProfile, finding: Finding, weights: Weights) -> bool:
    """True where the topics admit a paper that matches none of them as written.

    It is near the context of a topic and holds its words, or near the contexts of two and holds the rarest word of one;
    of a topic without a context it has all words. Where contexts are unknown, it holds words of a topic that are rare
    together.
    """
    if not finding.topic_relevance >= parsed.floor > 0:
        return False
    if parsed.contexts is None:
        close_topics = [topic for topic in parsed.topics if topic.has_close_papers]
        return any(are_rare_together(parsed, topic, _held_words(finding, topic)) for topic in close_topics)
    vector = paper_vector(finding.document, weights)
    near_topics, has_rarest = 0, False
    for topic, context in parsed.contexts:
        held_words = _held_words(finding, topic)
        if not context.weights:
            if len(held_words) == len(topic.term_bits):
                return True
        elif nearness_of(context, vector) >= context.floor:
            near_topics += 1
            has_rarest |= _holds_rarest(parsed, topic, held_words)
            if _holds_words(parsed, topic, held_words) or (has_rarest and near_topics >= NEAR_TOPICS):
                return True
    return False


def are_rare_together(parsed: ParsedProfile, topic: ParsedTopic, held_words: Sequence[ProfileTerm]) -> bool:
    """True where these words of a topic suffice for a close paper while contexts are unknown."""
    return _holds_words(parsed, topic, held_words) and sum(parsed.idf[word] for word in held_words) >= COMPLETE_IDF


def _holds_words(parsed: ParsedProfile, topic: ParsedTopic, held_words: Sequence[ProfileTerm]) -> bool:
    """True where these words of a topic are as many as a close paper holds, and the rarest is one of them."""
    return len(held_words) >= words_needed(len(topic.term_bits)) and _holds_rarest(parsed, topic, held_words)


def _holds_rarest(parsed: ParsedProfile, topic: ParsedTopic, held_words: Sequence[ProfileTerm]) -> bool:
    """True where none of a topic's words is rarer than these."""
    if not held_words:
        return False
    return max([parsed.idf[word] for word in held_words]) == max([parsed.idf[word] for word in topic.term_bits])


def _held_words(finding: Finding, topic: ParsedTopic) -> list[ProfileTerm]:
    """The words of a plain topic that the paper has, except those that count nothing."""
    return [word for word in topic.term_bits if finding.gains.get(word, 0) > 0]
