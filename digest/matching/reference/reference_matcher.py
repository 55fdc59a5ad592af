"""The reference matcher: the papers of a profile, their order and the reasons. Slow and simple; integers only.

docs/MATCHING.md defines the rules. The engine must give the same papers, order, scores and explanations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from digest.matching.profile import Candidate, Counts, Match, Profile
from digest.matching.query.language import ProfileTerm, phrase_words, positive_terms
from digest.matching.reference import topic_slots
from digest.matching.reference.paper_evaluation import (
    Finding,
    RankedPaper,
    evaluate_paper,
    is_close_to_topics,
    is_similar,
)
from digest.matching.reference.parsed_profile import ParsedProfile, ParsedTerm, ParsedTopic, parse_profile, scoring_key
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.scoring.example_vectors import nearest_example
from digest.matching.scoring.parameters import CLOSE_PAPERS_PER_DAY
from digest.matching.scoring.topic_context import NO_CONTEXTS, TopicContext


class FindingCache:
    """The evaluations of papers for one profile and the weights of one epoch, so that no paper is evaluated twice.

    A preview needs most papers for the threshold and for their day. Not for several profiles or epochs.
    """

    def __init__(self, contexts: Mapping[str, TopicContext] = NO_CONTEXTS) -> None:
        self._findings: dict[int, tuple[Mapping[str, int], Finding | None]] = {}
        self._contexts = contexts
        self._parsed: ParsedProfile | None = None

    def parse(self, profile: Profile, weights: Weights) -> ParsedProfile:
        """The parsed profile."""
        self._parsed = self._parsed or parse_profile(profile, weights, self._contexts)
        return self._parsed

    def evaluate(self, parsed: ParsedProfile, document: Document, weights: Weights) -> Finding | None:
        """The evaluation of the paper, None where it is withdrawn or excluded."""
        paper = RankedPaper.from_candidate(document.candidate)
        words, finding = self._findings.get(paper.id, (None, None))
        if words is not document.tf:  # new, or another revision
            finding = _evaluate_unless_excluded(parsed, document, weights)
            self._findings[paper.id] = document.tf, finding
        # The same words may come with another percentile of trending.
        return finding if finding is None or finding.paper == paper else replace(finding, paper=paper)


def match(
    profile: Profile,
    candidates: Iterable[Candidate | Document],
    counts: Counts | Weights,
    *,
    tau: int | None,
    sent: frozenset[int] = frozenset(),
    contexts: Mapping[str, TopicContext] = NO_CONTEXTS,
) -> list[Match]:
    """The matching papers within the profile's caps, best first. `tau` None: no threshold yet. Raises BadQuery.

    `contexts`: those of the epoch, by a topic's text.
    """
    return match_lazily(profile, candidates, counts, tau=tau, sent=sent, contexts=contexts).within_limits()


def match_all(
    profile: Profile,
    candidates: Iterable[Candidate | Document],
    counts: Counts | Weights,
    *,
    tau: int | None,
    sent: frozenset[int] = frozenset(),
    contexts: Mapping[str, TopicContext] = NO_CONTEXTS,
) -> list[Match]:
    """All matching papers, followed authors first, then by score, without caps. Raises BadQuery."""
    return list(match_lazily(profile, candidates, counts, tau=tau, sent=sent, contexts=contexts))


def match_lazily(
    profile: Profile,
    candidates: Iterable[Candidate | Document],
    counts: Counts | Weights,
    *,
    tau: int | None,
    sent: frozenset[int] = frozenset(),
    contexts: Mapping[str, TopicContext] = NO_CONTEXTS,
    cache: FindingCache | None = None,
) -> LazyMatches:
    """Like `match_all`, but each match is explained only when iterated: most are only counted.

    A `cache` has its own contexts.
    """
    weights = _weights(counts)
    parsed = cache.parse(profile, weights) if cache else parse_profile(profile, weights, contexts)
    return matches_of_findings(parsed, weights, findings_of(parsed, candidates, weights, cache), tau=tau, sent=sent)


def matches_of_findings(
    parsed: ParsedProfile,
    weights: Weights,
    findings: Iterable[Finding],
    *,
    tau: int | None,
    sent: Collection[int] = frozenset(),
) -> LazyMatches:
    """As `match_lazily`, from the evaluations of papers that are neither withdrawn nor excluded."""
    allowed = [finding for finding in findings if finding.followed or finding.allowed]
    strict = [finding for finding in allowed if finding.strict_positions or finding.followed]
    least = 1 + (tau or 0)
    close = [
        finding
        for finding in allowed
        if not (finding.strict_positions or finding.followed)
        and parsed.profile.close
        and finding.relevance >= least
        and (is_similar(parsed, finding) or is_close_to_topics(parsed, finding, weights))
    ]
    close = _best_of_each_day(close) if tau is None else close
    unsent = [finding for finding in strict + close if finding.paper.id not in sent]
    return LazyMatches(parsed, weights, sorted(unsent, key=_sort_key))


class LazyMatches:
    """Matches in their order; each is explained when it is iterated."""

    def __init__(self, parsed: ParsedProfile, weights: Weights, findings: Sequence[Finding]) -> None:
        self._parsed, self._weights, self._findings = parsed, weights, findings

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Match]:
        return map(self.match, range(len(self)))

    def match(self, place: int) -> Match:
        """The match at a place in the order."""
        return _explain(self._parsed, self._findings[place], self._weights)

    def title_topics(self, place: int) -> frozenset[int]:
        """The topics that match the paper at a place as written and stand in its title."""
        finding = self._findings[place]
        in_title = filter(finding.text.has_in_title, finding.strict_positions)
        return frozenset(self._parsed.terms[position][0].index for position in in_title)

    def within_limits(self) -> list[Match]:
        """The matches within the profile's limits, with a slot for each topic that stands in a title."""
        return topic_slots.within_limits(self._parsed.profile, self)

    def papers(self) -> list[int]:
        """The matched papers without those of followed authors."""
        return [finding.paper.id for finding in self._findings if not finding.followed]


def close_floor_of(profile: Profile, counts: Counts | Weights) -> int:
    """The least relevance of a close match: `bm25.close_floor`.

    Each word counts as it does once in an average abstract. 0 where no plain topic has a weighted word: then there are
    no close matches.
    """
    return parse_profile(profile, _weights(counts)).floor


def non_strict_relevances(
    profile: Profile,
    candidates: Iterable[Candidate | Document],
    counts: Counts | Weights,
    cache: FindingCache | None = None,
) -> list[int]:
    """The relevances of the allowed papers that match no topic as written. Thresholds are computed from these."""
    weights = _weights(counts)
    parsed = cache.parse(profile, weights) if cache else parse_profile(profile, weights)
    findings = findings_of(parsed, candidates, weights, cache)
    return [finding.relevance for finding in findings if finding.allowed and not finding.strict_positions]


def _weights(counts: Counts | Weights) -> Weights:
    return counts if isinstance(counts, Weights) else Weights(counts)


def findings_of(
    parsed: ParsedProfile,
    candidates: Iterable[Candidate | Document],
    weights: Weights,
    cache: FindingCache | None = None,
) -> Iterator[Finding]:
    """The evaluation of each paper; withdrawn and excluded papers are skipped."""
    evaluate = _evaluate_unless_excluded if cache is None else cache.evaluate
    for candidate in candidates:
        document = prepare_document(candidate) if isinstance(candidate, Candidate) else candidate
        finding = evaluate(parsed, document, weights)
        if finding is not None:
            yield finding


def _evaluate_unless_excluded(parsed: ParsedProfile, document: Document, weights: Weights) -> Finding | None:
    if document.candidate.record.withdrawn or any(excludes(document) for excludes in parsed.exclusions):
        return None
    return evaluate_paper(parsed, document, weights)


def _best_of_each_day(close: list[Finding]) -> list[Finding]:
    """The few most relevant papers of each announcement; ties by id."""

    def day(finding: Finding) -> int:
        return finding.paper.announcement

    ranked = sorted(close, key=lambda f: (day(f), -f.relevance, f.paper.id))
    return [finding for _, group in groupby(ranked, key=day) for finding in list(group)[:CLOSE_PAPERS_PER_DAY]]


def _sort_key(finding: Finding) -> tuple[bool, int, int, int]:
    """Followed authors, then by score, newer announcements, id."""
    return not finding.followed, -finding.score, -finding.paper.announcement, finding.paper.id


def _strict_terms_by_topic(parsed: ParsedProfile, finding: Finding) -> dict[int, list[ParsedTerm]]:
    """For each topic that matches as written, its matched terms."""
    terms_by_topic: dict[int, list[ParsedTerm]] = {}
    for position in sorted(finding.strict_positions):
        topic, term = parsed.terms[position]
        terms_by_topic.setdefault(topic.index, []).append(term)
    return terms_by_topic


def _explain(parsed: ParsedProfile, finding: Finding, weights: Weights) -> Match:
    """The match with its reasons: topics by their gain, each with the words as typed.

    After the first, a topic that does not match as written is listed only if most of its words match and one is new.
    A paper that only the examples admit has no topics.
    """
    strict_terms = _strict_terms_by_topic(parsed, finding)
    mask = 0
    matched: list[tuple[int, tuple[str, ...]]] = []
    has_example = is_similar(parsed, finding)
    has_topics = bool(strict_terms) or not has_example or is_close_to_topics(parsed, finding, weights)
    for topic, bits in _rank_topics(parsed, finding, strict_terms) if has_topics else ():
        is_majority = 2 * bits.bit_count() > len(topic.term_bits)
        if topic.index in strict_terms or not matched or (is_majority and bits & ~mask):
            matched.append((topic.index, _typed_words(topic, finding, strict_terms)))
        mask |= bits
    examples = parsed.profile.examples if has_example else None
    example, example_words = nearest_example(examples, finding.shared_terms) if examples else ("", ())
    return Match(
        paper=finding.paper.id,
        score=finding.score,
        relevance=finding.relevance,
        strict=bool(finding.strict_positions),
        topic=matched[0][0] if matched else -1,
        mask=mask,
        matched=tuple(matched),
        followed=finding.followed,
        example=example,
        example_words=example_words,
    )


def _rank_topics(
    parsed: ParsedProfile, finding: Finding, strict_terms: Mapping[int, Sequence[ParsedTerm]]
) -> list[tuple[ParsedTopic, int]]:
    """The topics that matched, with their terms' bits; the largest gain first."""
    ranked = []
    for topic in parsed.topics:
        satisfied_terms = strict_terms.get(topic.index, ())
        matched_terms = _matched_terms(topic, finding, satisfied_terms)
        if matched_terms or satisfied_terms:
            gain = sum(finding.gains[key] for key in {scoring_key(profile_term) for profile_term in matched_terms})
            gain += sum(
                finding.topic_gains.strict_gains[key]
                for term in satisfied_terms
                if term.phrase
                for _, key in term.term_bits
            )
            ranked.append(
                (-gain, topic.index, topic, sum({parsed.bit_of_term[profile_term] for profile_term in matched_terms}))
            )
    return [(topic, bits) for _, _, topic, bits in sorted(ranked, key=lambda topic_rank: topic_rank[:2])]


def _matched_terms(topic: ParsedTopic, finding: Finding, satisfied_terms: Sequence[ParsedTerm]) -> list[ProfileTerm]:
    """The matched terms of a topic: the matched words of a plain topic, or those of a query's satisfied terms."""
    if topic.query.plain:
        return [profile_term for profile_term in topic.term_bits if profile_term in finding.gains]
    return [profile_term for term in satisfied_terms for profile_term, _ in term.term_bits]


def _typed_words(
    topic: ParsedTopic, finding: Finding, strict_terms: Mapping[int, Sequence[ParsedTerm]]
) -> tuple[str, ...]:
    """The matched words as typed: whole phrases where the paper contains them, else single words."""
    if topic.index in strict_terms:
        return tuple(dict.fromkeys(term.term.text for term in strict_terms[topic.index]))
    words = (word for term in positive_terms(topic.query.root) for word in phrase_words(term) if word.is_weighted)
    return tuple(
        dict.fromkeys(word.typed for word in words if ProfileTerm("", word.text, word.prefix) in finding.gains)
    )
