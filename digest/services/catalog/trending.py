"""Trending papers: their newest signals, ranked by the trending formulas, with the facts to show."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

from digest import clock, i18n
from digest.db.core.engine import engine, reading
from digest.db.papers import papers as store
from digest.db.papers import quality_figures as figure_store
from digest.db.papers import signals
from digest.matching.scoring.boolean_match import in_category
from digest.matching.trending import content_prior, trending_score
from digest.matching.trending.trending_score import Signals
from digest.models.types import stored_id
from digest.papers import Record

RECENT_ANNOUNCEMENTS = 7  # announcements whose papers are listed
WINDOW_ANNOUNCEMENTS = 14  # announcements whose papers are ranked together, as in an edition
_FIRST_DAY = timedelta(hours=24)
_LAST_LOOK = timedelta(hours=20)  # a snapshot this old counts as yesterday's, also where today's came early


@dataclass(frozen=True, slots=True)
class Trend:
    """A paper's trend: `strength` for sorting, `percentile` 0 to 100 within its field, facts and counts to show.

    `spark`: the growth of its votes as a sparkline of text.
    """

    strength: float
    percentile: int
    signals: tuple[tuple[str, float], ...]
    facts: str
    spark: str = ""


class Listing(NamedTuple):
    """The announcement and revision of a paper to rank."""

    announcement: int | None
    revision: int


@dataclass(frozen=True, slots=True)
class RisingPaper:
    """One row of a trending list. `listed_at`: the instant of its announcement."""

    number: int
    record: Record
    trend: Trend
    listed: datetime


class FieldMember(NamedTuple):
    """A paper of the population. `field`: its primary category."""

    announcement: int | None
    field: str


class _Compared(NamedTuple):
    """The values that decide a paper's rank. Percentiles are within a `group`: a field in a period."""

    group: Hashable
    announcement: int | None
    votes: int | None
    rank: int | None
    strength: float


def population(
    session: Session, announcements: Sequence[int], *, at: datetime, through: int | None = None
) -> Population:
    """The papers of these announcements with signals, of batches up to `through_batch`, to rank papers among."""
    peers, values = _values(session, announcements, at, through)
    return Population(_compared(values, peers, (), at))


def ranked(session: Session, papers: Mapping[int, Listing], *, at: datetime) -> dict[int, Trend]:
    """`trends_of` for pages: a paper's trend does not depend on the other requested papers.

    A paper of the last 14 announcements ranks among these, as in an edition; an older one within its announcement.
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
    """`_members_and_values`, cached until another batch is stored, because two weeks of snapshots are slow to read."""
    key = tuple(announcements), store.newest_batch(session), clock.slot_of(at)
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

    `members`: the papers they rank among, by default each other. `recent`: announcements that form one group; every
    other announcement is its own group. Without it all form one.
    """
    known = signals.signals_at(session, papers, at)
    before = signals.signals_at(session, known, at - _LAST_LOOK)
    found = store.versions(session, [(paper_id, papers[paper_id].revision) for paper_id in known])
    records = {paper_id: record for (paper_id, _), record in found.items()}
    asked = {paper_id: FieldMember(papers[paper_id].announcement, _field(records[paper_id])) for paper_id in known}
    compared = _compared(known, asked, recent, at)
    members = members or Population(compared)
    placed = {
        paper_id: members.placed(
            paper_id,
            data,
            _seen(data.announcement, records[paper_id], known[paper_id], before.get(paper_id, {}), at),
        )
        for paper_id, data in compared.items()
    }
    sparks = {
        paper_id: trending_score.sparkline(votes)
        for paper_id, votes in signals.signal_history(session, compared, "upvotes", at).items()
    }
    return {
        paper_id: Trend(
            data.strength,
            members.percentile(paper_id, data),
            tuple(sorted(known[paper_id].items())),
            trending_score.explain(placed[paper_id], i18n),
            sparks.get(paper_id, ""),
        )
        for paper_id, data in compared.items()
    }


def _compared(
    known: Mapping[int, Mapping[str, float]], papers: Mapping[int, FieldMember], recent: Collection[int], at: datetime
) -> dict[int, _Compared]:
    """The ranking data of these papers; those without votes and rank are left out."""
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
    """The papers to rank among. A paper outside of it is ranked as if it were a member."""

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
            paper: percentile
            for group in self._groups.values()
            for paper, percentile in trending_score.percentiles(group).items()
        }

    def percentile(self, number: int, one: _Compared) -> int:
        """The percentile within its group, 0 to 100."""
        if number in self._members:
            return self._percentiles[number]
        return trending_score.percentiles({**self._groups[one.group], number: (one.group, one.strength)})[number]

    def placed(self, number: int, one: _Compared, seen: Signals) -> Signals:
        """The signals with the paper's place among those listed on the same day; ties are ordered by id."""
        if one.announcement is None:
            return seen
        ranked = max(self._ranked[one.announcement], one.rank or 0) or None
        if one.votes is None:
            return replace(seen, ranked=ranked)
        voted, own = self._voted[one.announcement], (-one.votes, number)
        place = bisect_left(voted, own) + 1
        return replace(seen, ranked=ranked, place=place, listed=len(voted) + (number not in self._members))


def _field(record: Record) -> str:
    """The paper's field: its primary category."""
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
    """Trending papers of the last 7 announcements, by their percentile within their field, best first.

    Where there are fewer than `limit`, new papers without votes follow, ordered by their content.
    """
    at = clock.now()
    with reading() as session:
        today = at.astimezone(clock.ARXIV_ZONE).date()
        current = store.current_announcement(session, today)
        recent = store.announcement_window(session, current, RECENT_ANNOUNCEMENTS) if current else []
        with_signal = {paper_id for paper_id, *_ in figure_store.field_members(session, recent)}
        stored = store.newest_versions_chunked(session, list(with_signal))
        found = {stored_id(paper): (paper, record) for paper, record in stored if _is_in_category(record, category)}
        listed = {paper_id: Listing(paper.announcement_id, paper.revision) for paper_id, (paper, _) in found.items()}
        trends = ranked(session, listed, at=at)
        order = sorted((-trend.percentile, -trend.strength, paper_id) for paper_id, trend in trends.items())
        rising = [
            RisingPaper(paper_id, found[paper_id][1], trends[paper_id], _listed(listed[paper_id].announcement) or at)
            for *_, paper_id in order[:limit]
        ]
        fresh = _unvoted(session, current, with_signal, category, at) if len(rising) < limit else []
    return (rising + fresh)[:limit]


def _unvoted(
    session: Session, current: int | None, voted: Collection[int], category: str | None, at: datetime
) -> list[RisingPaper]:
    """Papers of the newest announcement without votes, in its first day, where their content predicts interest.

    They are only listed after papers with signals, on pages and in feeds; they affect no score and no mail.
    """
    listed = _listed(current)
    if current is None or listed is None or at - listed > _FIRST_DAY:
        return []
    numbers = [paper_id for paper_id in store.announced_paper_ids(session, current) if paper_id not in voted]
    found: list[RisingPaper] = []
    for paper, record in store.newest_versions_chunked(session, numbers):
        content = content_prior.Content(
            code=record.has_code or record.code_url is not None,
            organisation=bool(record.institutions),
            authors=len(record.authors),
        )
        if _is_in_category(record, category) and (facts := content_prior.before_votes(content, i18n)):
            found.append(
                RisingPaper(stored_id(paper), record, Trend(content_prior.content_prior(content), 0, (), facts), listed)
            )
    return sorted(found, key=lambda paper: (-paper.trend.strength, paper.number))


def _is_in_category(record: Record, category: str | None) -> bool:
    """True where the record has that category, and always for None."""
    return category is None or in_category(category.lower(), [name.lower() for name in record.categories])
