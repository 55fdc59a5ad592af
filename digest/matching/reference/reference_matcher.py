"""The reference matcher: the papers of a profile, their order and the reasons. Slow and simple; integers only.

docs/MATCHING.md defines the rules. The engine must give the same papers, order, scores and explanations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from digest.matching.profile import Candidate, Counts, Match, Profile
from digest.matching.query.language import TEXT_FIELDS, ProfileTerm, phrase_words, positive_terms
from digest.matching.reference.parsed_profile import ParsedProfile, ParsedTerm, ParsedTopic, counted_word, parse_profile
from digest.matching.scoring.bm25 import FIXED, ONE, Weights, impact, score
from digest.matching.scoring.boolean_match import Document, in_category, prepare_document
from digest.matching.scoring.relevance_feedback import lift
from digest.text.folding import fold_text

CLOSE_PAPERS_PER_DAY = 3  # close papers of one announcement, while there is no threshold


@dataclass(frozen=True, slots=True)
class _Finding:
    """The evaluation of one paper for a profile. `gains`: the gain of each matched term.

    `strict_positions`: the positions in `ParsedProfile.terms` of the terms by which topics match as written.
    `strict_gains`: the gains of these terms' words; `phrase_gain`: the extra gain of phrases. `liked_impacts`: the
    weighted impacts of words of liked papers.
    """

    document: Document
    gains: dict[ProfileTerm, int]
    shown: list[int]
    worth: dict[ProfileTerm, int]
    phrases: int
    followed: tuple[str, ...]
    liked: tuple[int, ...]

    @property
    def relevance(self) -> int:
        return sum(self.gains.values()) + self.phrases

    @property
    def score(self) -> int:
        """Likes raise only the score; relevance alone decides whether a paper matches."""
        return score(self.relevance + lift(self.liked, self.relevance), self.document.candidate.trending)


def match(
    profile: Profile,
    candidates: Iterable[Candidate | Document],
    counts: Counts | Weights,
    *,
    tau: int | None,
    sent: frozenset[int] = frozenset(),
) -> list[Match]:
    """The matching papers within the profile's caps, best first. `tau` None: no threshold yet. Raises BadQuery."""
    return apply_topic_caps(profile, match_all(profile, candidates, counts, tau=tau, sent=sent))


def match_all(
    profile: Profile,
    candidates: Iterable[Candidate | Document],
    counts: Counts | Weights,
    *,
    tau: int | None,
    sent: frozenset[int] = frozenset(),
) -> list[Match]:
    """All matching papers, followed authors first, then by score, without caps. Raises BadQuery."""
    return list(match_lazily(profile, candidates, counts, tau=tau, sent=sent))


def match_lazily(
    profile: Profile,
    candidates: Iterable[Candidate | Document],
    counts: Counts | Weights,
    *,
    tau: int | None,
    sent: frozenset[int] = frozenset(),
) -> LazyMatches:
    """Like `match_all`, but each match is explained only when iterated: most are only counted."""
    weights = _weights(counts)
    wish = parse_profile(profile, weights)
    found = [finding for finding in _findings(wish, candidates, weights) if finding.followed or _allowed(wish, finding)]
    sure = [finding for finding in found if finding.shown or finding.followed]
    close = [f for f in found if not (f.shown or f.followed) and profile.close and f.relevance >= wish.floor > 0]
    close = _best_of_each_day(close) if tau is None else [f for f in close if f.relevance > tau]
    kept = [finding for finding in sure + close if finding.document.candidate.id not in sent]
    return LazyMatches(wish, sorted(kept, key=_order))


class LazyMatches:
    """Matches in their order; each is explained when it is iterated."""

    def __init__(self, wish: ParsedProfile, findings: Sequence[_Finding]) -> None:
        self._wish, self._findings = wish, findings

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Match]:
        return (_explain(self._wish, finding) for finding in self._findings)

    def papers(self) -> list[int]:
        """The matched papers without those of followed authors."""
        return [finding.document.candidate.id for finding in self._findings if not finding.followed]


def apply_topic_caps(profile: Profile, matches: Iterable[Match]) -> list[Match]:
    """The matches within the limits: at most `limit` papers and each topic's cap; followed authors are not limited."""
    fits: list[Match] = []
    used: Counter[int] = Counter()
    for one in matches:
        if one.followed:
            fits.append(one)
            continue
        if used.total() >= profile.limit:
            break  # followed authors come first
        bound = profile.topics[one.topic].cap if one.topic >= 0 else None
        if bound is None or used[one.topic] < bound:
            used[one.topic] += 1
            fits.append(one)
    return fits


def floor(profile: Profile, counts: Counts | Weights) -> int:
    """The least relevance of a close match: 6/5 of the smallest sum of word weights of a plain topic.

    Each word counts as it does once in an average abstract. 0 where no plain topic has a weighted word: then there are
    no close matches.
    """
    return parse_profile(profile, _weights(counts)).floor


def not_strict_matches(
    profile: Profile, candidates: Iterable[Candidate | Document], counts: Counts | Weights
) -> list[int]:
    """The relevances of the allowed papers that match no topic as written. Thresholds are computed from these."""
    weights = _weights(counts)
    wish = parse_profile(profile, weights)
    found = _findings(wish, candidates, weights)
    return [finding.relevance for finding in found if _allowed(wish, finding) and not finding.shown]


def _weights(counts: Counts | Weights) -> Weights:
    return counts if isinstance(counts, Weights) else Weights(counts)


def _findings(wish: ParsedProfile, candidates: Iterable[Candidate | Document], weights: Weights) -> Iterator[_Finding]:
    """The evaluation of each paper; withdrawn and excluded papers are skipped."""
    for candidate in candidates:
        document = prepare_document(candidate) if isinstance(candidate, Candidate) else candidate
        if document.candidate.record.withdrawn or any(excludes(document) for excludes in wish.exclusions):
            continue
        yield _find(wish, document, weights)


def _find(wish: ParsedProfile, document: Document, weights: Weights) -> _Finding:
    """Evaluate one paper: words of plain topics always count, those of a query only where the query matches."""
    norm = weights.norm(document.length)
    followed = tuple([author for author, wrote in wish.authors if wrote(document)])
    likes = ((ProfileTerm("", stem), weighs) for stem, weighs in wish.profile.likes if stem in document.tf)
    liked = tuple(weighs * impact(wish.idf[want], document.tf[want.text], norm) for want, weighs in likes)
    gains: dict[ProfileTerm, int] = {}
    for stem in wish.plain_words.keys() & document.tf.keys():
        want = wish.plain_words[stem]
        gains[want] = wish.plain[want] * impact(wish.idf[want], document.tf[stem], norm)
    for want in wish.plain_prefixes:
        if tf := _tf(want, document):
            gains[want] = wish.plain[want] * impact(wish.idf[want], tf, norm)
    shown = wish.query_text(document)
    worth: dict[ProfileTerm, int] = {}
    phrases = sum([_show(wish.terms[place][1], wish, document, norm, worth) for place in shown])
    gains = worth | gains
    for author in followed:
        gains[ProfileTerm("au", fold_text(author))] = ONE * FIXED["au"]
    return _Finding(document, gains, shown, worth, phrases, followed, liked)


def _show(term: ParsedTerm, wish: ParsedProfile, document: Document, norm: int, worth: dict[ProfileTerm, int]) -> int:
    """Add a matched term's gains to `strict_gains`. Returns the extra gain of a phrase, else 0."""
    for want, key in term.term_bits:
        if key in worth:
            continue
        if want.field not in TEXT_FIELDS:
            worth[key] = ONE * FIXED[want.field]
        else:
            tf = _tf(want, document) if want.prefix else document.tf.get(want.text, 0)
            worth[key] = ONE * impact(wish.idf[key], tf, norm)
    return sum([worth[key] for _, key in term.term_bits]) if term.phrase else 0


def _tf(want: ProfileTerm, document: Document) -> int:
    """3 for a word in the title, 1 in the abstract, 4 in both; a prefix matches any word that begins with it."""
    if not want.prefix:
        return document.tf.get(want.text, 0)
    return 3 * document.title.has_prefix(want.text) + document.abstract.has_prefix(want.text)


def _allowed(wish: ParsedProfile, finding: _Finding) -> bool:
    """True where the profile's categories allow the paper; a paper without categories is in none."""
    categories = finding.document.categories[: 1 if wish.profile.primary_only else None]
    return not wish.categories or any(in_category(wanted, categories) for wanted in wish.categories)


def _best_of_each_day(close: list[_Finding]) -> list[_Finding]:
    """The few most relevant papers of each announcement; ties by id."""

    def day(finding: _Finding) -> int:
        return finding.document.candidate.announcement

    ranked = sorted(close, key=lambda f: (day(f), -f.relevance, f.document.candidate.id))
    return [finding for _, group in groupby(ranked, key=day) for finding in list(group)[:CLOSE_PAPERS_PER_DAY]]


def _order(finding: _Finding) -> tuple[bool, int, int, int]:
    """Followed authors, then by score, newer announcements, id."""
    candidate = finding.document.candidate
    return not finding.followed, -finding.score, -candidate.announcement, candidate.id


def _held(wish: ParsedProfile, finding: _Finding) -> dict[int, list[ParsedTerm]]:
    """For each topic that matches as written, its matched terms."""
    held: dict[int, list[ParsedTerm]] = {}
    for place in sorted(finding.shown):
        topic, term = wish.terms[place]
        held.setdefault(topic.index, []).append(term)
    return held


def _explain(wish: ParsedProfile, finding: _Finding) -> Match:
    """The match with its reasons: topics by their gain, each with the words as typed.

    After the first, a topic that does not match as written is listed only if most of its words match and one is new.
    """
    candidate, held = finding.document.candidate, _held(wish, finding)
    mask = 0
    matched: list[tuple[int, tuple[str, ...]]] = []
    for topic, bits in _telling(wish, finding, held):
        most = 2 * bits.bit_count() > len(topic.term_bits)
        if topic.index in held or not matched or (most and bits & ~mask):
            matched.append((topic.index, _typed(topic, finding, held)))
        mask |= bits
    return Match(
        paper=candidate.id,
        score=finding.score,
        relevance=finding.relevance,
        strict=bool(finding.shown),
        topic=matched[0][0] if matched else -1,
        mask=mask,
        matched=tuple(matched),
        followed=finding.followed,
    )


def _telling(
    wish: ParsedProfile, finding: _Finding, held: Mapping[int, Sequence[ParsedTerm]]
) -> list[tuple[ParsedTopic, int]]:
    """The topics that matched, with their terms' bits; the largest gain first."""
    told = []
    for topic in wish.topics:
        shown = held.get(topic.index, ())
        found = _found(topic, finding, shown)
        if found or shown:
            gain = sum(finding.gains[key] for key in {counted_word(want) for want in found})
            gain += sum(finding.worth[key] for term in shown if term.phrase for _, key in term.term_bits)
            told.append((-gain, topic.index, topic, sum({wish.bits[want] for want in found})))
    return [(topic, bits) for _, _, topic, bits in sorted(told, key=lambda one: one[:2])]


def _found(topic: ParsedTopic, finding: _Finding, shown: Sequence[ParsedTerm]) -> list[ProfileTerm]:
    """The matched terms of a topic: the matched words of a plain topic, or those of a query's satisfied terms."""
    if topic.query.plain:
        return [want for want in topic.term_bits if want in finding.gains]
    return [want for term in shown for want, _ in term.term_bits]


def _typed(topic: ParsedTopic, finding: _Finding, held: Mapping[int, Sequence[ParsedTerm]]) -> tuple[str, ...]:
    """The matched words as typed: whole phrases where the paper contains them, else single words."""
    if topic.index in held:
        return tuple(dict.fromkeys(term.term.text for term in held[topic.index]))
    words = (word for term in positive_terms(topic.query.root) for word in phrase_words(term) if word.weighs)
    return tuple(
        dict.fromkeys(word.typed for word in words if ProfileTerm("", word.text, word.prefix) in finding.gains)
    )
