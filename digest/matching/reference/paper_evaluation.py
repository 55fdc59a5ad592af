"""The evaluation of one paper for a profile by the reference matcher: what it has of the profile's terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from digest.matching.profile import Candidate
from digest.matching.query.language import TEXT_FIELDS, ProfileTerm
from digest.matching.reference.parsed_profile import ParsedProfile, ParsedTerm, ParsedTopic
from digest.matching.scoring.bm25 import Weights, impact, rarely_meet, score, words_needed
from digest.matching.scoring.boolean_match import Document, in_category, node_matches
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
from digest.matching.scoring.topic_context import PaperVector, nearness_of, paper_vector
from digest.text.folding import fold_text


class RankedPaper(NamedTuple):
    """What orders papers besides their words: the id, the announcement, and the trending percentile."""

    id: int
    announcement: int
    trending: int

    @classmethod
    def from_candidate(cls, candidate: Candidate) -> RankedPaper:
        """The paper of a candidate."""
        return cls(candidate.id, candidate.announcement, candidate.trending)


class PaperText(Protocol):
    """What few decisions need of an evaluated paper's text, computed when it is needed."""

    def vector(self, weights: Weights) -> PaperVector:
        """The words of title and abstract with their impacts."""

    def has_in_title(self, position: int) -> bool:
        """True where a term (by its position in `ParsedProfile.terms`) that the paper has is in the title."""


@dataclass(frozen=True, slots=True)
class DocumentText:
    """The text of a prepared paper."""

    parsed: ParsedProfile
    document: Document

    def vector(self, weights: Weights) -> PaperVector:
        """As `PaperText.vector`."""
        return paper_vector(self.document.tf, self.document.length, weights)

    def has_in_title(self, position: int) -> bool:
        """As `PaperText.has_in_title`."""
        term = self.parsed.terms[position][1].title_term
        return term is not None and node_matches(term, self.document)


@dataclass(frozen=True, slots=True)
class TopicGains:
    """What a paper's words gain. `gains`: of each matched term.

    `strict_gains`: of the words of the terms by which topics match as written; `phrase_gain`: the extra gain of
    phrases. `liked_impacts`: the weighted impacts of words of liked papers.
    """

    gains: dict[ProfileTerm, int]
    strict_gains: dict[ProfileTerm, int]
    phrase_gain: int
    liked_impacts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """The evaluation of one paper for a profile. `allowed`: by the profile's categories.

    `strict_positions`: the positions in `ParsedProfile.terms` of the terms by which topics match as written.
    `similarity`: to the example papers; `shared_terms`: the positions of those terms of the examples that the paper
    has.
    """

    paper: RankedPaper
    text: PaperText
    topic_gains: TopicGains
    strict_positions: Sequence[int]
    allowed: bool
    followed: tuple[str, ...] = ()
    similarity: int = 0
    shared_terms: tuple[int, ...] = ()

    @property
    def gains(self) -> Mapping[ProfileTerm, int]:
        """The gain of each matched term."""
        return self.topic_gains.gains

    @property
    def topic_relevance(self) -> int:
        """The relevance by topics alone."""
        return sum(self.gains.values()) + self.topic_gains.phrase_gain

    @property
    def relevance(self) -> int:
        """The relevance by topics and examples."""
        return self.topic_relevance + self.similarity

    @property
    def score(self) -> int:
        """Likes raise only the score; relevance alone decides whether a paper matches."""
        return score(self.relevance + lift(self.topic_gains.liked_impacts, self.relevance), self.paper.trending)


def evaluate_paper(parsed: ParsedProfile, document: Document, weights: Weights) -> Finding:
    """Evaluate one paper: words of plain topics always count, those of a query only where the query matches."""
    norm = weights.norm(document.length)
    followed = tuple([author for author, is_author in parsed.authors if is_author(document)])
    plain_words = [parsed.plain_words[stem] for stem in parsed.plain_words.keys() & document.tf.keys()]
    strict_positions = parsed.satisfied_terms(document)
    similarity, shared_terms = _similarity(parsed, document, norm)
    return Finding(
        RankedPaper.from_candidate(document.candidate),
        DocumentText(parsed, document),
        topic_gains(
            parsed,
            partial(_tf, document),
            norm,
            (*plain_words, *parsed.plain_prefixes),
            strict_positions,
            followed,
        ),
        strict_positions,
        _is_allowed(parsed, document),
        followed,
        similarity,
        shared_terms,
    )


def topic_gains(
    parsed: ParsedProfile,
    tf_of: Callable[[ProfileTerm], int],
    norm: int,
    plain_words: Iterable[ProfileTerm],
    strict_positions: Sequence[int],
    followed: Sequence[str] = (),
) -> TopicGains:
    """What a paper's words gain. `tf_of`: the tf of a word of title and abstract; `norm`: of the paper's length.

    `plain_words`: the words of plain topics that the paper may have.
    """
    likes = ((ProfileTerm("", stem), weight) for stem, weight in parsed.profile.likes)
    liked_impacts = tuple(
        [weight * impact(parsed.idf[word], tf, norm) for word, weight in likes if (tf := tf_of(word))]
    )
    strict_gains: dict[ProfileTerm, int] = {}
    phrase_gain = sum(
        [
            _add_strict_gains(parsed.terms[position][1], parsed, tf_of, norm, strict_gains)
            for position in strict_positions
        ]
    )
    gains = dict(strict_gains)
    for word in plain_words:
        if tf := tf_of(word):
            gains[word] = parsed.plain_weights[word] * impact(parsed.idf[word], tf, norm)
    for author in followed:
        gains[ProfileTerm("au", fold_text(author))] = TOPIC_WEIGHT * FIXED_IMPACTS["au"]
    return TopicGains(gains, strict_gains, phrase_gain, liked_impacts)


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
    term: ParsedTerm,
    parsed: ParsedProfile,
    tf_of: Callable[[ProfileTerm], int],
    norm: int,
    strict_gains: dict[ProfileTerm, int],
) -> int:
    """Add a matched term's gains to `strict_gains`. Returns the extra gain of a phrase, else 0."""
    for profile_term, key in term.term_bits:
        if key in strict_gains:
            continue
        if profile_term.field not in TEXT_FIELDS:
            strict_gains[key] = TOPIC_WEIGHT * FIXED_IMPACTS[profile_term.field]
        else:
            strict_gains[key] = TOPIC_WEIGHT * impact(parsed.idf[key], tf_of(key), norm)
    return sum([strict_gains[key] for _, key in term.term_bits]) if term.phrase else 0


def _tf(document: Document, word: ProfileTerm) -> int:
    """3 for a word in the title, 1 in the abstract, 4 in both; a prefix matches any word that begins with it."""
    if not word.prefix:
        return document.tf.get(word.text, 0)
    in_title, in_abstract = (text.has_prefix(word.text) for text in (document.title, document.abstract))
    return TITLE_TF * in_title + ABSTRACT_TF * in_abstract


def _is_allowed(parsed: ParsedProfile, document: Document) -> bool:
    """True where the profile's categories allow the paper; a paper without categories is in none."""
    categories = document.categories[: 1 if parsed.profile.primary_only else None]
    return not parsed.categories or any(in_category(category, categories) for category in parsed.categories)


def is_close_to_topics(parsed: ParsedProfile, finding: Finding, weights: Weights) -> bool:
    """True where the topics admit a paper that matches none of them as written.

    It is near the context of a topic and holds its words, or near the contexts of two and holds the rarest word of one;
    of a topic without a context it has all words, if these rarely meet. Where contexts are unknown, it holds words of a
    topic that are rare together. Contexts are looked up last, because that may compute them.
    """
    if not finding.topic_relevance >= parsed.floor > 0:
        return False
    close_topics = parsed.close_topics
    held_words = [_held_words(finding, topic) for topic in close_topics]
    held_topics = list(zip(close_topics, held_words, strict=True))
    if not any(_holds_words(parsed, topic, held) for topic, held in held_topics) and (
        len(close_topics) < NEAR_TOPICS or not any(_holds_rarest(parsed, topic, held) for topic, held in held_topics)
    ):
        return False  # whatever the contexts are
    contexts = parsed.known_contexts()
    if contexts is None:
        return any(are_rare_together(parsed, topic, held) for topic, held in held_topics)
    vector = finding.text.vector(weights)
    near_topics, has_rarest = 0, False
    for (topic, held), context in zip(held_topics, contexts, strict=True):
        if not context.weights:
            if len(held) == len(topic.term_bits) and rarely_meet([parsed.idf[word] for word in held]):
                return True
        elif nearness_of(context, vector) >= context.floor:
            near_topics += 1
            has_rarest |= _holds_rarest(parsed, topic, held)
            if _holds_words(parsed, topic, held) or (has_rarest and near_topics >= NEAR_TOPICS):
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
