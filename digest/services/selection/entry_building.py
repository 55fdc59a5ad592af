"""The papers of an edition as its entries, and their order by section."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.matching.profile import Match, Profile
from digest.matching.trending.content_prior import Content as ContentSigns
from digest.matching.trending.content_prior import content_prior
from digest.services.selection.candidate_papers import CandidatePool

MAX_RISING = 3
COMPILED_PROFILE = Profile()  # instead of a profile that is compiled already and read only where it has to be


class SelectionRequest(NamedTuple):
    """What one reader's papers are chosen by. `tau`: the calibrated threshold, None while there is none.

    `seen_through`: the last batch considered before; `sent`: papers sent before; `rising`: whether risers are wanted
    beside what is new; `version`: the id of the profile version, if it is stored. It may be LATER for the engine.
    """

    profile: Profile
    seen_through: int = 0
    tau: int | None = None
    sent: Collection[int] = ()
    notice: str = ""
    rising: bool = True
    version: int | None = None

    @property
    def has_topics(self) -> bool:
        """False for a subscriber who gets what is new in the categories, or what trends."""
        return any(not topic.muted for topic in self.profile.topics)


def entry_of_match(pool: CandidatePool, match: Match, section: str) -> Entry:
    """A paper that matched."""
    trend = pool.trends.get(match.paper)
    return Entry(
        paper=match.paper,
        revision=pool.papers[match.paper].revision,
        section=section,
        score=match.score,
        strict=match.strict,
        topic=match.topic,
        mask=match.mask,
        matched=match.matched,
        followed=match.followed,
        signals=trend.signals if trend else (),
        reason=trend.facts if trend else "",
        spark=trend.spark if trend else "",
    )


def new_entry(pool: CandidatePool, match: Match) -> Entry:
    """A new paper that matched, under its section."""
    return entry_of_match(pool, match, FOLLOWED if match.followed else NEW)


def plain_entry(pool: CandidatePool, paper: int, section: str) -> Entry:
    """A paper that nothing was asked of but its category."""
    trend = pool.trends.get(paper)
    return Entry(
        paper=paper,
        revision=pool.papers[paper].revision,
        section=section,
        signals=trend.signals if trend else (),
        reason=trend.facts if trend else "",
        spark=trend.spark if trend else "",
    )


def without_topics(
    pool: CandidatePool,
    asked: SelectionRequest,
    followed: Sequence[Match],
    trending: Sequence[int],
    fresh: Sequence[int],
    considered: int,
) -> Content:
    """Followed authors' papers, then what is new in the categories; what trends for subscribers who ask for nothing.

    `trending`: strongest first; `fresh`: best first; both without papers sent before or of followed authors.
    """
    profile = asked.profile
    entries = [entry_of_match(pool, match, FOLLOWED) for match in followed]
    unspecific = not (profile.topics or profile.categories or profile.authors)
    papers, section = (trending, RISING) if unspecific else (fresh if profile.categories else (), NEW)
    entries += [plain_entry(pool, paper, section) for paper in papers[: profile.limit]]
    more = max(len(papers) - profile.limit, 0)
    return Content(entries=_in_order(entries), considered=considered, more=more, notice=asked.notice)


def content_order(percentile: int, code: bool, institutions: bool, authors: int) -> tuple[int, float]:
    """The key of a paper that no topic was asked for, best first: its trending percentile, then its content."""
    return -percentile, -content_prior(ContentSigns(code=code, organisation=institutions, authors=authors))


def _in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """By section as the mail shows them."""
    place = {FOLLOWED: 0, NEW: 1, RISING: 2}
    return tuple(sorted(entries, key=lambda entry: place[entry.section]))
