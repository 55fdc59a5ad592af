"""How papers trend: their newest signals, ranked by the trending formulas, with the facts to show."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from statistics import median_low
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

from digest import clock, i18n
from digest.db.core.engine import engine
from digest.db.papers import papers as store
from digest.db.papers import quality_figures as figure_store
from digest.db.papers import signals
from digest.db.papers.catalog_version import catalog_version
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.matching.trending import trending_score
from digest.matching.trending.trending_score import MIN_VOTES, Signals
from digest.papers import Record

UPPER_QUARTER = 75  # percentile
_GROWTH_PERIOD = timedelta(hours=20)  # a snapshot this old counts as yesterday's, also where today's came early


@dataclass(frozen=True, slots=True)
class Trend:
    """A paper's trend: `strength` for sorting, `percentile` 0 to 100 within its field, facts and counts to show.

    `spark`: the growth of its votes as a sparkline of text. `rises`: a mail may list it as rising.
    """

    strength: float
    percentile: int
    signals: tuple[tuple[str, float], ...]
    facts: str
    spark: str = ""
    rises: bool = False


class PaperListing(NamedTuple):
    """The announcement and revision of a paper to rank."""

    announcement: int | None
    revision: int


class FieldMember(NamedTuple):
    """A paper among which others rank. `field`: its primary category."""

    announcement: int | None
    field: str


class _RankingData(NamedTuple):
    """The values that decide a paper's rank. Percentiles are within a `group`: a field in a period."""

    group: Hashable
    field: str
    announcement: int | None
    votes: int | None
    rank: int | None
    strength: float


def ranking_peers(
    session: Session, announcements: Sequence[int], *, at: datetime, through_batch: int | None = None
) -> RankingPeers:
    """The papers of these announcements with signals, of batches up to `through_batch`, to rank papers among."""
    peers, values = _members_and_values(session, announcements, at, through_batch)
    return RankingPeers(_ranking_data(values, peers, (), at))


def trends_among_recent(session: Session, papers: Mapping[int, PaperListing], *, at: datetime) -> dict[int, Trend]:
    """`trends_of` for pages: a paper's trend does not depend on the other requested papers.

    A paper of the last 14 announcements ranks among these, as in an edition; an older one within its announcement.
    """
    current = store.current_announcement(session, at.astimezone(clock.ARXIV_ZONE).date())
    recent = store.announcement_window(session, current, WINDOW_ANNOUNCEMENTS) if current else []
    recent_papers = _recent_papers(session, recent, at)
    older_announcements = {
        paper.announcement for paper in papers.values() if paper.announcement is not None
    }.difference(recent)
    if not older_announcements:
        return trends_of(session, papers, at=at, members=recent_papers.ranking, recent=recent)
    more_peers, more_values = _members_and_values(session, sorted(older_announcements), at)
    values, peers = recent_papers.values | more_values, recent_papers.peers | more_peers
    members = RankingPeers(_ranking_data(values, peers, recent, at))
    return trends_of(session, papers, at=at, members=members, recent=recent)


def percentiles_among_recent(session: Session, paper_ids: Collection[int], *, at: datetime) -> dict[int, int]:
    """The percentiles of those of these papers that are of the last 14 announcements and have signals."""
    current = store.current_announcement(session, at.astimezone(clock.ARXIV_ZONE).date())
    recent = store.announcement_window(session, current, WINDOW_ANNOUNCEMENTS) if current else []
    return _recent_papers(session, recent, at).ranking.percentiles(paper_ids)


_Values = dict[int, dict[str, float]]


@dataclass(frozen=True, slots=True)
class _RecentPapers:
    """The papers of the last 14 announcements with signals, and their ranking as of the instant they were read."""

    peers: dict[int, FieldMember]
    values: _Values
    ranking: RankingPeers


_recent_by_engine: WeakKeyDictionary[Engine, tuple[Hashable, _RecentPapers]] = WeakKeyDictionary()


def _members_and_values(
    session: Session, announcements: Sequence[int], at: datetime, through_batch: int | None = None
) -> tuple[dict[int, FieldMember], _Values]:
    """The papers of these announcements with signals, and the newest value of each counter."""
    rows = figure_store.field_members(session, announcements, through_batch=through_batch)
    peers = {paper_id: FieldMember(announcement, field) for paper_id, announcement, field in rows}
    return peers, signals.signals_at(session, peers, at)


def _recent_papers(session: Session, recent: Sequence[int], at: datetime) -> _RecentPapers:
    """The papers of these announcements, cached until data is stored and for a quarter of an hour at most.

    Two weeks of snapshots are slow to read, and to rank 20,000 papers takes half a second.
    """
    key = tuple(recent), catalog_version(session.connection()), clock.slot_of(at)
    cached = _recent_by_engine.get(engine())
    if cached is None or cached[0] != key:
        peers, values = _members_and_values(session, recent, at)
        papers = _RecentPapers(peers, values, RankingPeers(_ranking_data(values, peers, recent, at)))
        cached = _recent_by_engine[engine()] = key, papers
    return cached[1]


def trends_of(
    session: Session,
    papers: Mapping[int, PaperListing],
    *,
    at: datetime,
    members: RankingPeers | None = None,
    recent: Collection[int] = (),
) -> dict[int, Trend]:
    """Trends of the papers that have votes or a rank, as of an instant.

    `members`: the papers they rank among, by default each other. `recent`: announcements that form one group; every
    other announcement is its own group. Without it all form one.
    """
    values_by_id = signals.signals_at(session, papers, at)
    values_before = signals.signals_at(session, values_by_id, at - _GROWTH_PERIOD)
    versions = store.versions(session, [(paper_id, papers[paper_id].revision) for paper_id in values_by_id])
    records = {paper_id: record for (paper_id, _), record in versions.items()}
    members_by_id = {
        paper_id: FieldMember(papers[paper_id].announcement, _field(records[paper_id])) for paper_id in values_by_id
    }
    ranking = _ranking_data(values_by_id, members_by_id, recent, at)
    members = members or RankingPeers(ranking)
    votes_by_id = signals.signal_history(session, ranking, "upvotes", at)
    trends = {}
    for paper_id, data in ranking.items():
        values, before = values_by_id[paper_id], values_before.get(paper_id, {})
        paper_signals = _signals_of_paper(data.announcement, records[paper_id], values, before, at)
        trends[paper_id] = Trend(
            data.strength,
            members.percentile(paper_id, data),
            tuple(sorted(values.items())),
            trending_score.explain(members.with_place(paper_id, data, paper_signals), i18n),
            trending_score.sparkline(votes_by_id[paper_id]) if paper_id in votes_by_id else "",
            members.rises(paper_id, data) and trending_score.still_rises(paper_signals),
        )
    return trends


def _ranking_data(
    values_by_id: Mapping[int, Mapping[str, float]],
    papers: Mapping[int, FieldMember],
    recent: Collection[int],
    at: datetime,
) -> dict[int, _RankingData]:
    """The ranking data of these papers; those without votes and rank are left out."""
    ranking = {}
    for paper_id, values in values_by_id.items():
        announcement, field = papers[paper_id]
        votes, rank = _whole_number(values, "upvotes"), _whole_number(values, "rank")
        strength = trending_score.strength(
            Signals(hours=_hours_since_listing(announcement, at), votes=votes, rank=rank)
        )
        if strength is not None:
            group = (field, None if not recent or announcement in recent or announcement is None else announcement)
            ranking[paper_id] = _RankingData(group, field, announcement, votes, rank, strength)
    return ranking


class RankingPeers:
    """The papers to rank among. A paper outside of it is ranked as if it were a member."""

    def __init__(self, members: Mapping[int, _RankingData]) -> None:
        self._members = members
        self._groups: dict[Hashable, dict[int, tuple[Hashable, float]]] = defaultdict(dict)
        self._voted: dict[int | None, list[tuple[int, int]]] = defaultdict(list)
        self._ranked: dict[int | None, int] = defaultdict(int)
        self._days: dict[Hashable, dict[int, tuple[Hashable, float]]] = defaultdict(dict)
        self._day_percentiles: dict[Hashable, dict[int, int]] = {}
        for paper_id, ranking in members.items():
            self._groups[ranking.group][paper_id] = ranking.group, ranking.strength
            self._ranked[ranking.announcement] = max(self._ranked[ranking.announcement], ranking.rank or 0)
            if ranking.votes is not None:
                self._voted[ranking.announcement].append((-ranking.votes, paper_id))
            for group in _day_groups(ranking):
                self._days[group][paper_id] = group, ranking.strength
        for votes_of_day in self._voted.values():
            votes_of_day.sort()
        votes = [ranking.votes for ranking in members.values() if ranking.votes is not None]
        self._min_votes = max(MIN_VOTES, median_low(votes) if votes else 0)
        self._percentiles = {
            paper: percentile
            for group in self._groups.values()
            for paper, percentile in trending_score.percentiles(group).items()
        }

    def percentiles(self, papers: Iterable[int]) -> dict[int, int]:
        """The percentiles of those of these papers that are members."""
        return {paper_id: self._percentiles[paper_id] for paper_id in papers if paper_id in self._members}

    def percentile(self, paper_id: int, ranking: _RankingData) -> int:
        """The percentile within its group, 0 to 100."""
        if paper_id in self._members:
            return self._percentiles[paper_id]
        return trending_score.percentiles({**self._groups[ranking.group], paper_id: (ranking.group, ranking.strength)})[
            paper_id
        ]

    def rises(self, paper_id: int, ranking: _RankingData) -> bool:
        """True in the upper quarter of its day, of its field that day, and with at least half of the papers' votes.

        The minimum of votes is the median of all members, so that it fits the source, and at least `MIN_VOTES`. A paper
        alone in its field or on its day is compared with the wider group.
        """
        if ranking.votes is not None and ranking.votes < self._min_votes:
            return False
        percentiles = [self._day_percentile(paper_id, ranking, group) for group in _day_groups(ranking)]
        comparable = [percentile for percentile in percentiles if percentile is not None]
        if not comparable:
            return len(self._groups[ranking.group]) < 2 or self.percentile(paper_id, ranking) >= UPPER_QUARTER
        return min(comparable) >= UPPER_QUARTER

    def _day_percentile(self, paper_id: int, ranking: _RankingData, group: Hashable) -> int | None:
        """0 to 100 within the papers of a day, or of a field on a day; None for a paper alone."""
        peers = self._days[group]
        if paper_id not in self._members:
            peers = {**peers, paper_id: (group, ranking.strength)}
            return trending_score.percentiles(peers)[paper_id] if len(peers) > 1 else None
        if group not in self._day_percentiles:
            self._day_percentiles[group] = trending_score.percentiles(peers)
        return self._day_percentiles[group][paper_id] if len(peers) > 1 else None

    def with_place(self, paper_id: int, ranking: _RankingData, paper_signals: Signals) -> Signals:
        """The signals with the paper's place among those listed on the same day; ties are ordered by id."""
        if ranking.announcement is None:
            return paper_signals
        ranked_count = max(self._ranked[ranking.announcement], ranking.rank or 0) or None
        if ranking.votes is None:
            return replace(paper_signals, ranked=ranked_count)
        voted, own_position = self._voted[ranking.announcement], (-ranking.votes, paper_id)
        place = bisect_left(voted, own_position) + 1
        return replace(
            paper_signals, ranked=ranked_count, place=place, listed=len(voted) + (paper_id not in self._members)
        )


def _day_groups(ranking: _RankingData) -> tuple[Hashable, Hashable]:
    """The papers of its day, and those of its field among them."""
    return ranking.announcement, (ranking.announcement, ranking.field)


def _field(record: Record) -> str:
    """The paper's field: its primary category."""
    return record.categories[0] if record.categories else ""


def _signals_of_paper(
    announcement: int | None, record: Record, values: Mapping[str, float], before: Mapping[str, float], at: datetime
) -> Signals:
    votes = _whole_number(values, "upvotes")
    earlier = _whole_number(before, "upvotes")
    return Signals(
        hours=_hours_since_listing(announcement, at),
        votes=votes,
        rank=_whole_number(values, "rank"),
        stars=_whole_number(values, "stars"),
        comments=_whole_number(values, "comments"),
        code=record.has_code or record.code_url is not None,
        gained=votes - earlier if votes is not None and earlier is not None else None,
        age=(at.date() - record.published).days if record.published else None,
    )


def _whole_number(values: Mapping[str, float], name: str) -> int | None:
    return int(values[name]) if name in values else None


def _hours_since_listing(announcement: int | None, at: datetime) -> float | None:
    """Hours since the papers of that announcement were listed."""
    instant = listed_at(announcement)
    return max((at - instant).total_seconds() / 3600, 0.0) if instant else None


@lru_cache(maxsize=1024)
def listed_at(announcement: int | None) -> datetime | None:
    """The instant of an announcement; kept, because to convert it takes longer than all else that ranks a paper."""
    return clock.announcement_instant(date.fromordinal(announcement)) if announcement else None
