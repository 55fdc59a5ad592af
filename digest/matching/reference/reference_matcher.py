"""The reference matcher: which papers a profile gets, in which order, and why. Slow and obvious; whole numbers only.

The rules are docs/MATCHING.md's. The fast engine must give the same papers, order, scores and explanations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from digest.matching.profile import Candidate, Counts, Match, Profile
from digest.matching.query.language import TEXT_FIELDS, ProfileTerm, phrase_words, positive_terms
from digest.matching.reference import topic_slots
from digest.matching.reference.parsed_profile import ParsedProfile, ParsedTerm, ParsedTopic, counted_word, parse_profile
from digest.matching.scoring.bm25 import FIXED, ONE, Weights, impact, score
from digest.matching.scoring.boolean_match import Document, in_category, prepare_document
from digest.matching.scoring.relevance_feedback import lift
from digest.text.folding import fold_text

CLOSE_PAPERS_PER_DAY = 3  # close papers of one announcement, while there is no threshold


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one paper has of a wish. `gains`: what each thing found is worth.

    `shown`: the places in `wish.terms` of the terms that show a topic to hold as written. `worth`: what each thing that
    they look for is worth; `phrases`: what words standing side by side are worth once more. `liked`: what words of
    liked papers are worth.
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
        """Likes lift the score alone: whether a paper matches is decided by its relevance."""
        return score(self.relevance + lift(self.liked, self.relevance), self.document.candidate.trending)


def match(
    profile: Profile,
    candidates: Iterable[Candidate | Document],
    counts: Counts | Weights,
    *,
    tau: int | None,
    sent: frozenset[int] = frozenset(),
) -> list[Match]:
    """The papers a profile gets, best first, under its caps. `tau` None: no threshold yet. Raises BadQuery."""
    return match_lazily(profile, candidates, counts, tau=tau, sent=sent).within_limits()


def match_all(
    profile: Profile,
    candidates: Iterable[Candidate | Document],
    counts: Counts | Weights,
    *,
    tau: int | None,
    sent: frozenset[int] = frozenset(),
) -> list[Match]:
    """Every paper that a profile matches at all, followed authors first, then by score; no caps. Raises BadQuery."""
    return list(match_lazily(profile, candidates, counts, tau=tau, sent=sent))


def match_lazily(
    profile: Profile,
    candidates: Iterable[Candidate | Document],
    counts: Counts | Weights,
    *,
    tau: int | None,
    sent: frozenset[int] = frozenset(),
) -> LazyMatches:
    """`match_all`, each match explained when it is needed: most are only counted."""
    weights = _weights(counts)
    wish = parse_profile(profile, weights)
    found = [finding for finding in _findings(wish, candidates, weights) if finding.followed or _allowed(wish, finding)]
    sure = [finding for finding in found if finding.shown or finding.followed]
    close = [f for f in found if not (f.shown or f.followed) and profile.close and f.relevance >= wish.floor > 0]
    close = _best_of_each_day(close) if tau is None else [f for f in close if f.relevance > tau]
    kept = [finding for finding in sure + close if finding.document.candidate.id not in sent]
    return LazyMatches(wish, sorted(kept, key=_order))


class LazyMatches:
    """Matches in their order. `len` is how many they are; each is explained when it is needed."""

    def __init__(self, wish: ParsedProfile, findings: Sequence[_Finding]) -> None:
        self._wish, self._findings = wish, findings

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Match]:
        return map(self.match, range(len(self)))

    def match(self, place: int) -> Match:
        """The match at a place in the order."""
        return _explain(self._wish, self._findings[place])

    def title_topics(self, place: int) -> frozenset[int]:
        """The topics that hold for the paper at a place and stand in its title."""
        finding = self._findings[place]
        terms = [self._wish.terms[at] for at in finding.shown]
        return frozenset(topic.index for topic, term in terms if term.in_title(finding.document))

    def within_limits(self) -> list[Match]:
        """The matches that the profile's limits admit, with a slot for each topic that stands in a title."""
        return topic_slots.within_limits(self._wish.profile, self)

    def papers(self) -> list[int]:
        """The papers found, those of followed authors aside."""
        return [finding.document.candidate.id for finding in self._findings if not finding.followed]


def floor(profile: Profile, counts: Counts | Weights) -> int:
    """The least relevance of a close match: `bm25.close_floor`.

    Each word counts as it does once in an average abstract. 0 where no plain topic has a word that weighs: then nothing
    is close.
    """
    return parse_profile(profile, _weights(counts)).floor


def not_strict_matches(
    profile: Profile, candidates: Iterable[Candidate | Document], counts: Counts | Weights
) -> list[int]:
    """The relevances of the allowed papers that match no topic as written: what a threshold is set by."""
    weights = _weights(counts)
    wish = parse_profile(profile, weights)
    found = _findings(wish, candidates, weights)
    return [finding.relevance for finding in found if _allowed(wish, finding) and not finding.shown]


def _weights(counts: Counts | Weights) -> Weights:
    return counts if isinstance(counts, Weights) else Weights(counts)


def _findings(wish: ParsedProfile, candidates: Iterable[Candidate | Document], weights: Weights) -> Iterator[_Finding]:
    """What each paper has of the wish; withdrawn and excluded papers are passed over."""
    for candidate in candidates:
        document = prepare_document(candidate) if isinstance(candidate, Candidate) else candidate
        if document.candidate.record.withdrawn or any(excludes(document) for excludes in wish.exclusions):
            continue
        yield _find(wish, document, weights)


def _find(wish: ParsedProfile, document: Document, weights: Weights) -> _Finding:
    """One paper's relevance: the words of plain topics always, those of a query only where the query holds."""
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
    """Add what a term found to `worth`. Returns what the words of a phrase are worth once more, else 0."""
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
    """3 for a word in the title, 1 for one in the abstract, 4 for both; a prefix may be found by any of its words."""
    if not want.prefix:
        return document.tf.get(want.text, 0)
    return 3 * document.title.has_prefix(want.text) + document.abstract.has_prefix(want.text)


def _allowed(wish: ParsedProfile, finding: _Finding) -> bool:
    """True where the reader's categories admit the paper; a paper without categories is in none."""
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
    """For each topic that holds as written, the terms that show it."""
    held: dict[int, list[ParsedTerm]] = {}
    for place in sorted(finding.shown):
        topic, term = wish.terms[place]
        held.setdefault(topic.index, []).append(term)
    return held


def _explain(wish: ParsedProfile, finding: _Finding) -> Match:
    """The match with its reasons: topics by what they give, each with the reader's own words.

    Behind the first, a topic that doesn't hold is told only if most of its words are there and one is new.
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
    """The topics that found something, with their terms' bits; the one that gives most of the score first."""
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
    """What of a topic the paper has: words of a plain one; of a query that holds, what its terms show."""
    if topic.query.plain:
        return [want for want in topic.term_bits if want in finding.gains]
    return [want for term in shown for want, _ in term.term_bits]


def _typed(topic: ParsedTopic, finding: _Finding, held: Mapping[int, Sequence[ParsedTerm]]) -> tuple[str, ...]:
    """What matched, as the reader typed it: whole phrases where they stand in the paper, else single words."""
    if topic.index in held:
        return tuple(dict.fromkeys(term.term.text for term in held[topic.index]))
    words = (word for term in positive_terms(topic.query.root) for word in phrase_words(term) if word.weighs)
    return tuple(
        dict.fromkeys(word.typed for word in words if ProfileTerm("", word.text, word.prefix) in finding.gains)
    )
