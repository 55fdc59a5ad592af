"""What is rising now, and how it is said: the newest signals of papers, read through the trending formulas."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from digest import clock, i18n
from digest.db.core.engine import engine, reading
from digest.db.papers import papers as store
from digest.db.papers import quality_figures as figure_store
from digest.db.papers import signals
from digest.db.papers.catalog_version import catalog_version
from digest.matching.scoring.boolean_match import in_category
from digest.matching.trending import content_prior, trending_score
from digest.matching.trending.trending_score import Signals
from digest.models import Paper
from digest.papers import Record

RECENT_ANNOUNCEMENTS = 7  # announcements whose papers are listed
WINDOW_ANNOUNCEMENTS = 14  # announcements whose papers are ranked together, as in an edition
_FIRST_DAY = timedelta(hours=24)
_LAST_LOOK = timedelta(hours=20)  # yesterday's look, also where today's came a little early


@dataclass(frozen=True, slots=True)
class Trend:
    """A paper's standing: `strength` sorts, `percentile` 0 to 100 within its field, facts and counts to show.

    `spark`: how its votes grew, as bars of text.
    """

    strength: float
    percentile: int
    signals: tuple[tuple[str, float], ...]
    facts: str
    spark: str = ""


class Listing(NamedTuple):
    """What has to be known of a paper beside its signals."""

    announcement: int | None
    revision: int


@dataclass(frozen=True, slots=True)
class RisingPaper:
    """One line of a trending list. `listed`: the instant of its announcement."""

    number: int
    record: Record
    trend: Trend
    listed: datetime


class FieldMember(NamedTuple):
    """A paper that others are ranked among. `field`: its primary category."""

    announcement: int | None
    field: str


class _Compared(NamedTuple):
    """What decides a paper's rank. Percentiles are within a `group`: a field in a stretch of time."""

    group: Hashable
    announcement: int | None
    votes: int | None
    rank: int | None
    strength: float


def population(
    session: Session, announcements: Sequence[int], *, at: datetime, through: int | None = None
) -> Population:
    """The papers of these announcements with signals, of batches up to `through`: whom their papers rank among."""
    peers, values = _values(session, announcements, at, through)
    return Population(_compared(values, peers, (), at))


def ranked(session: Session, papers: Mapping[int, Listing], *, at: datetime) -> dict[int, Trend]:
    """`figures` as pages show them: the same for a paper, whichever others are asked for with it.

    A paper of the last 14 announcements ranks among these, as in an edition; an older one among its own day's.
    """
    current = store.current_announcement(session, at.astimezone(clock.ARXIV_ZONE).date())
    recent = store.announcement_window(session, current, WINDOW_ANNOUNCEMENTS) if current else []
    peers, values = _recent_values(session, recent, at)
    older = {paper.announcement for paper in papers.values() if paper.announcement is not None}.difference(recent)
    if older:
        more_peers, more_values = _values(session, sorted(older), at)
        peers, values = peers | more_peers, values | more_values
    members = Population(_compared(values, peers, recent, at))
    return figures(session, papers, at=at, members=members, recent=recent)


_Values = dict[int, dict[str, float]]
_recent: WeakKeyDictionary[Engine, tuple[Hashable, dict[int, FieldMember], _Values]] = WeakKeyDictionary()


def _values(
    session: Session, announcements: Sequence[int], at: datetime, through: int | None = None
) -> tuple[dict[int, FieldMember], _Values]:
    """The papers of these announcements with signals, and the newest value of each counter."""
    rows = figure_store.field_members(session, announcements, through=through)
    peers = {number: FieldMember(announcement, field) for number, announcement, field in rows}
    return peers, signals.signals_at(session, peers, at)


def _recent_values(
    session: Session, announcements: Sequence[int], at: datetime
) -> tuple[dict[int, FieldMember], _Values]:
    """`_values` for pages, read once as long as nothing is stored: two weeks of snapshots are much for one page."""
    key = tuple(announcements), catalog_version(session.connection()), clock.slot_of(at)
    known = _recent.get(engine())
    if known is None or known[0] != key:
        known = _recent[engine()] = (key, *_values(session, announcements, at))
    return known[1], known[2]


def figures(
    session: Session,
    papers: Mapping[int, Listing],
    *,
    at: datetime,
    members: Population | None = None,
    recent: Collection[int] = (),
) -> dict[int, Trend]:
    """Trends of the papers that have votes or a rank, as of an instant.

    `members`: whom they rank among; without it, each other. `recent`: announcements that make one group; each other
    announcement is a group of its own. Without it all are one.
    """
    known = signals.signals_at(session, papers, at)
    before = signals.signals_at(session, known, at - _LAST_LOOK)
    found = store.versions(session, [(number, papers[number].revision) for number in known])
    records = {number: record for (number, _), record in found.items()}
    asked = {n: FieldMember(papers[n].announcement, _field(records[n])) for n in known}
    compared = _compared(known, asked, recent, at)
    members = members or Population(compared)
    seen = {n: _seen(asked[n].announcement, records[n], known[n], before.get(n, {}), at) for n in compared}
    placed = {n: members.placed(n, compared[n], one) for n, one in seen.items()}
    sparks = {
        n: trending_score.sparkline(votes)
        for n, votes in signals.signal_history(session, compared, "upvotes", at).items()
    }
    return {
        n: Trend(
            one.strength,
            members.percentile(n, one),
            tuple(sorted(known[n].items())),
            trending_score.explain(placed[n], i18n),
            sparks.get(n, ""),
        )
        for n, one in compared.items()
    }


def _compared(
    known: Mapping[int, Mapping[str, float]], papers: Mapping[int, FieldMember], recent: Collection[int], at: datetime
) -> dict[int, _Compared]:
    """What decides the ranks of these papers; those without votes and rank are left out."""
    found = {}
    for number, values in known.items():
        day, field = papers[number]
        votes, rank = _whole(values, "upvotes"), _whole(values, "rank")
        strength = trending_score.strength(Signals(hours=_hours(day, at), votes=votes, rank=rank))
        if strength is not None:
            group = (field, None if not recent or day in recent or day is None else day)
            found[number] = _Compared(group, day, votes, rank, strength)
    return found


class Population:
    """The papers that others are ranked among. One that is not of them is ranked as if it were."""

    def __init__(self, members: Mapping[int, _Compared]) -> None:
        self._members = members
        self._groups: dict[Hashable, dict[int, tuple[Hashable, float]]] = defaultdict(dict)
        self._voted: dict[int | None, list[tuple[int, int]]] = defaultdict(list)
        self._ranked: dict[int | None, int] = defaultdict(int)
        for number, one in members.items():
            self._groups[one.group][number] = one.group, one.strength
            self._ranked[one.announcement] = max(self._ranked[one.announcement], one.rank or 0)
            if one.votes is not None:
                self._voted[one.announcement].append((-one.votes, number))
        for voted in self._voted.values():
            voted.sort()
        self._percentiles = {
            n: p for group in self._groups.values() for n, p in trending_score.percentiles(group).items()
        }

    def percentile(self, number: int, one: _Compared) -> int:
        """0 to 100 within its group."""
        if number in self._members:
            return self._percentiles[number]
        return trending_score.percentiles({**self._groups[one.group], number: (one.group, one.strength)})[number]

    def placed(self, number: int, one: _Compared, seen: Signals) -> Signals:
        """The signals with the paper's place among those listed the same day; equals stand in the order of numbers."""
        if one.announcement is None:
            return seen
        ranked = max(self._ranked[one.announcement], one.rank or 0) or None
        if one.votes is None:
            return replace(seen, ranked=ranked)
        voted, own = self._voted[one.announcement], (-one.votes, number)
        place = bisect_left(voted, own) + 1
        return replace(seen, ranked=ranked, place=place, listed=len(voted) + (number not in self._members))


def _field(record: Record) -> str:
    """The field a paper is compared in: its primary category."""
    return record.categories[0] if record.categories else ""


def _seen(
    day: int | None, record: Record, values: Mapping[str, float], before: Mapping[str, float], at: datetime
) -> Signals:
    votes = _whole(values, "upvotes")
    earlier = _whole(before, "upvotes")
    return Signals(
        hours=_hours(day, at),
        votes=votes,
        rank=_whole(values, "rank"),
        stars=_whole(values, "stars"),
        comments=_whole(values, "comments"),
        code=record.has_code or record.code_url is not None,
        gained=votes - earlier if votes is not None and earlier is not None else None,
        age=(at.date() - record.published).days if record.published else None,
    )


def _whole(values: Mapping[str, float], name: str) -> int | None:
    return int(values[name]) if name in values else None


def _hours(day: int | None, at: datetime) -> float | None:
    """Hours since the papers of that announcement were listed."""
    listed = _listed(day)
    return max((at - listed).total_seconds() / 3600, 0.0) if listed else None


def _listed(day: int | None) -> datetime | None:
    """The instant of an announcement."""
    return clock.announcement_instant(date.fromordinal(day)) if day else None


def current_trending(category: str | None, limit: int) -> list[RisingPaper]:
    """The papers that rise now, of the last 7 announcements: every field has its share, best first.

    Where these are fewer than `limit`, new papers without votes follow, by their content.
    """
    at = clock.now()
    with reading() as session:
        today = at.astimezone(clock.ARXIV_ZONE).date()
        current = store.current_announcement(session, today)
        recent = store.announcement_window(session, current, RECENT_ANNOUNCEMENTS) if current else []
        with_signal = {n for n, *_ in figure_store.field_members(session, recent)}
        found = {p.id: (p, r) for p, r in store.newest_versions_chunked(session, list(with_signal)) if p.id}
        if category is not None:
            wanted = category.lower()
            found = {n: pr for n, pr in found.items() if in_category(wanted, [c.lower() for c in pr[1].categories])}
        listed = {n: Listing(paper.announcement_id, paper.revision) for n, (paper, _) in found.items()}
        trends = ranked(session, listed, at=at)
        best = sorted(trends, key=lambda n: (-trends[n].percentile, -trends[n].strength, n))[:limit]
        rising = [RisingPaper(n, found[n][1], trends[n], _listed(listed[n].announcement) or at) for n in best]
        fresh = _unvoted(session, current, with_signal, category, at) if len(rising) < limit else []
    return (rising + fresh)[:limit]


def _unvoted(
    session: Session, current: int | None, voted: Collection[int], category: str | None, at: datetime
) -> list[RisingPaper]:
    """Papers of the newest announcement in its first day that nobody has voted for, where content speaks for them.

    They only follow the papers with signals, on pages and feeds: no score and no mail goes by them.
    """
    listed = _listed(current)
    if listed is None or at - listed > _FIRST_DAY:
        return []
    statement = select(Paper.id).where(col(Paper.announcement_id) == current, col(Paper.withdrawn).is_(False))
    numbers = [n for n in session.exec(statement) if n and n not in voted]
    found: list[RisingPaper] = []
    for paper, record in store.newest_versions_chunked(session, numbers):
        content = content_prior.Content(
            code=record.has_code or record.code_url is not None,
            organisation=bool(record.institutions),
            authors=len(record.authors),
        )
        fits = category is None or in_category(category.lower(), [c.lower() for c in record.categories])
        if fits and (facts := content_prior.before_votes(content, i18n)):
            found.append(
                RisingPaper(paper.id or 0, record, Trend(content_prior.content_prior(content), 0, (), facts), listed)
            )
    return sorted(found, key=lambda one: (-one.trend.strength, one.number))
