"""What is rising now, and how it is said: the newest signals of papers, read through the trending formulas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session, col, select

from digest import clock
from digest.compose import language
from digest.db import papers as store
from digest.db import signals
from digest.db.engine import reading
from digest.matching import forecast, trending
from digest.matching.strict import in_category
from digest.matching.trending import Signals
from digest.models import Paper
from digest.papers import Record

RECENT = 7
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
class Rising:
    """One line of a trending list. `listed`: the instant of its announcement."""

    number: int
    record: Record
    trend: Trend
    listed: datetime


def figures(session: Session, papers: Mapping[int, Listing], *, at: datetime) -> dict[int, Trend]:
    """Trends of the papers that have votes or a rank, as of an instant."""
    known = signals.as_of(session, papers, at)
    before = signals.as_of(session, known, at - _LAST_LOOK)
    found = store.versions(session, [(number, papers[number].revision) for number in known])
    records = {number: record for (number, _), record in found.items()}
    days = {number: papers[number].announcement for number in known}
    seen = {n: _seen(days[n], records[n], values, before.get(n, {}), at) for n, values in known.items()}
    placed = _placed(days, seen)
    strengths = {n: (_field(records[n]), s) for n, one in placed.items() if (s := trending.strength(one)) is not None}
    percentiles = trending.percentiles(strengths)
    sparks = {n: trending.sparkline(votes) for n, votes in signals.history(session, strengths, "upvotes", at).items()}
    return {
        n: Trend(
            strength,
            percentiles[n],
            tuple(sorted(known[n].items())),
            trending.explain(placed[n], language),
            sparks.get(n, ""),
        )
        for n, (_, strength) in strengths.items()
    }


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


def _placed(announced: Mapping[int, int | None], seen: Mapping[int, Signals]) -> dict[int, Signals]:
    """The signals with each paper's place among those listed the same day."""
    days: dict[int | None, list[int]] = defaultdict(list)
    for number in seen:
        days[announced[number]].append(number)
    placed = dict(seen)
    for numbers in days.values():
        voted = sorted((n for n in numbers if seen[n].votes is not None), key=lambda n: -(seen[n].votes or 0))
        ranked = max((seen[n].rank or 0 for n in numbers), default=0) or None
        for place, number in enumerate(voted, start=1):
            placed[number] = replace(placed[number], place=place, listed=len(voted))
        for number in numbers:
            placed[number] = replace(placed[number], ranked=ranked)
    return placed


def now(category: str | None, limit: int) -> list[Rising]:
    """The papers that rise now, of the last 7 announcements: every field has its share, best first.

    Where these are fewer than `limit`, new papers without votes follow, by their content.
    """
    at = clock.now()
    with reading() as session:
        today = at.astimezone(clock.ARXIV_ZONE).date()
        current = store.current_announcement(session, today)
        numbers = store.window(session, current, RECENT) if current else []
        statement = select(Paper.id).where(col(Paper.announcement_id).in_(numbers), col(Paper.withdrawn).is_(False))
        with_signal = signals.as_of(session, [n for n in session.exec(statement) if n], at)
        found = {p.id: (p, r) for p, r in store.newest_many(session, list(with_signal)) if p.id}
        if category is not None:
            wanted = category.lower()
            found = {n: pr for n, pr in found.items() if in_category(wanted, [c.lower() for c in pr[1].categories])}
        listed = {n: Listing(paper.announcement_id, paper.revision) for n, (paper, _) in found.items()}
        trends = figures(session, listed, at=at)
        records = {n: record for n, (_, record) in found.items()}
        order = trending.share({n: (_field(records[n]), t.strength) for n, t in trends.items()}, limit)
        rising = [Rising(n, records[n], trends[n], _listed(listed[n].announcement) or at) for n in order]
        fresh = _unvoted(session, current, with_signal, category, at) if len(rising) < limit else []
    return (rising + fresh)[:limit]


def _unvoted(
    session: Session, current: int | None, voted: Collection[int], category: str | None, at: datetime
) -> list[Rising]:
    """Papers of the newest announcement in its first day that nobody has voted for, where content speaks for them.

    They only follow the papers with signals, on pages and feeds: no score and no mail goes by them.
    """
    listed = _listed(current)
    if listed is None or at - listed > _FIRST_DAY:
        return []
    statement = select(Paper.id).where(col(Paper.announcement_id) == current, col(Paper.withdrawn).is_(False))
    numbers = [n for n in session.exec(statement) if n and n not in voted]
    found: list[Rising] = []
    for paper, record in store.newest_many(session, numbers):
        content = forecast.Content(
            code=record.has_code or record.code_url is not None,
            organisation=bool(record.institutions),
            authors=len(record.authors),
        )
        fits = category is None or in_category(category.lower(), [c.lower() for c in record.categories])
        if fits and (facts := forecast.before_votes(content, language)):
            found.append(Rising(paper.id or 0, record, Trend(forecast.content_prior(content), 0, (), facts), listed))
    return sorted(found, key=lambda one: (-one.trend.strength, one.number))
