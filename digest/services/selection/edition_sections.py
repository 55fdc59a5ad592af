"""Build the entries of an edition from matches and papers, ordered by section.

How many papers a mail holds unless a subscriber says otherwise: `DEFAULT_LIMIT` in `matching/profile_limits.py`.
A paper that is selected as new is not shown as rising too: both back ends leave it out there.
The order of the sections: `SECTION_ORDER` in `compose/edition.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from digest.compose.edition import FOLLOWED, NEW, RISING, SECTION_ORDER, Content, Entry
from digest.matching.profile import Match, Profile
from digest.matching.trending.content_prior import PaperProperties, content_prior
from digest.services.selection.candidate_papers import CandidatePool

MAX_RISING = 3
COMPILED_PROFILE = Profile()  # stands for a profile that is compiled already and was not read from the database


class SelectionRequest(NamedTuple):
    """What one subscriber's papers are selected by. `tau`: the calibrated threshold, None while there is none.

    `has_contexts`: close papers need the context of a topic.

    `profile` may be COMPILED_PROFILE for the engine. `seen_through`: the last batch considered before; `sent`: papers
    sent before; `rising`: whether to add rising papers; `version`: the id of the profile version, if it is stored;
    `days_back`: how many days a first edition looks back, 0 for other editions.
    """

    profile: Profile
    seen_through: int = 0
    tau: int | None = None
    sent: Collection[int] = ()
    notice: str = ""
    rising: bool = True
    version: int | None = None
    has_contexts: bool = False
    days_back: int = 0

    @property
    def has_topics(self) -> bool:
        """False for a profile that gets what is new in its categories, or what trends; examples are like topics."""
        return self.profile.finds_papers


def entry_of_match(pool: CandidatePool, match: Match, section: str) -> Entry:
    """The entry of a matched paper."""
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
        example=match.example,
        example_words=match.example_words,
    )


def new_entry(pool: CandidatePool, match: Match) -> Entry:
    """The entry of a new matched paper: in FOLLOWED for a followed author, else in NEW."""
    return entry_of_match(pool, match, FOLLOWED if match.followed else NEW)


def plain_entry(pool: CandidatePool, paper: int, section: str) -> Entry:
    """The entry of a paper selected by its category alone."""
    trend = pool.trends.get(paper)
    return Entry(
        paper=paper,
        revision=pool.papers[paper].revision,
        section=section,
        signals=trend.signals if trend else (),
        reason=trend.facts if trend else "",
        spark=trend.spark if trend else "",
    )


def content_without_topics(
    pool: CandidatePool,
    request: SelectionRequest,
    followed: Sequence[Match],
    trending: Sequence[int],
    newest: Sequence[int],
    considered: int,
) -> Content:
    """An edition without topics: papers of followed authors, then the categories' new ones, or what trends.

    `trending`: strongest first; `newest`: best first; both without papers sent before or of followed authors. They get
    the places of the limit that followed authors leave.
    """
    profile = request.profile
    entries = [entry_of_match(pool, match, FOLLOWED) for match in followed]
    unspecific = not (profile.topics or profile.categories or profile.authors)
    papers, section = (trending, RISING) if unspecific else (newest if profile.categories else (), NEW)
    places = max(profile.limit - len(followed), 0)
    entries += [plain_entry(pool, paper, section) for paper in papers[:places]]
    more = max(len(papers) - places, 0)
    return Content(
        entries=_sort_by_section(entries),
        considered=considered,
        more=more,
        notice=request.notice,
        days_back=request.days_back,
    )


def content_order(percentile: int, code: bool, institutions: bool, authors: int) -> tuple[int, float]:
    """The sort key of a paper for profiles without topics, best first: its trending percentile, then its content."""
    return -percentile, -content_prior(PaperProperties(code=code, organisation=institutions, authors=authors))


def _sort_by_section(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Sort entries by section, in the order in which mails show them."""
    return tuple(sorted(entries, key=lambda entry: SECTION_ORDER.index(entry.section)))
