"""What a profile would have got, day by day, without subscribing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from digest import clock
from digest.db import papers as store
from digest.db.engine import reading
from digest.matching import calibrate, reference
from digest.matching.profile import Counts, Match, Profile
from digest.matching.reference import Document
from digest.models import Announcement
from digest.services import epochs, pool

MOST_DAYS = 400


@dataclass(frozen=True, slots=True)
class Why:
    """A topic as typed, and which of its words matched."""

    topic: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Previewed:
    """One paper that would have come. `trending`: percentile within its field, None without a signal."""

    id: str
    title: str
    score: int
    strict: bool
    matched: tuple[Why, ...]
    trending: int | None
    number: int


@dataclass(frozen=True, slots=True)
class Day:
    """The papers of one announcement day, best first, and how many were announced."""

    date: date
    papers: tuple[Previewed, ...]
    announced: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Days in order; those without an announcement are left out."""

    days: tuple[Day, ...]

    @property
    def a_day(self) -> float:
        """Papers a day on average."""
        return sum(len(d.papers) for d in self.days) / len(self.days) if self.days else 0.0


def preview(profile: Profile, *, days: int = 14, until: date | None = None) -> Preview:
    """The last `days` calendar days up to `until` (the newest announcement's). Raises BadQuery for a topic in error."""
    with reading() as session:
        last = until or _newest_day(session)
        if last is None:
            return Preview(())
        announcements = _between(session, last - timedelta(days=days - 1), last)
        return Preview(tuple(_days(session, profile, announcements)))


def _newest_day(session: Session) -> date | None:
    today = clock.now().astimezone(clock.ARXIV_ZONE).date()
    newest = store.current_announcement(session, today)
    return date.fromordinal(newest) if newest else None


def _between(session: Session, first: date, last: date) -> list[int]:
    statement = select(col(Announcement.id)).where(col(Announcement.day).between(first, last))
    return list(session.execute(statement.order_by(col(Announcement.id))).scalars())


def _days(session: Session, profile: Profile, announcements: Sequence[int]) -> list[Day]:
    """Day after day; counts and threshold stay those of the week's first day, as in a run."""
    done: list[Day] = []
    week, counts, tau = None, None, None
    for number in announcements:
        day = date.fromordinal(number)
        if counts is None or counts.announcements < epochs.YOUNG or week != day.isocalendar()[:2]:
            week = day.isocalendar()[:2]
            counts = epochs.counted_before(session, number)
            tau = _tau(session, profile, number, counts)
        done.append(_day(session, profile, number, counts, tau))
    return done


def _tau(session: Session, profile: Profile, announcement: int, counts: Counts) -> int | None:
    if counts.announcements < epochs.YOUNG or not profile.close:
        return None
    documents = pool.announced(session, store.window(session, announcement - 1, epochs.YOUNG))
    return calibrate.threshold(profile, documents, counts)


def _day(session: Session, profile: Profile, number: int, counts: Counts, tau: int | None) -> Day:
    day = date.fromordinal(number)
    evening = datetime.combine(day + timedelta(days=1), time(0), tzinfo=clock.ARXIV_ZONE)
    documents, trends = pool.day(session, number, at=evening)
    by_id = {d.candidate.id: d for d in documents}
    matches = reference.match(profile, documents, counts, tau=tau)
    percentiles = {n: t.percentile for n, t in trends.items()}
    papers = tuple(_paper(profile, by_id[m.paper], m, percentiles) for m in matches)
    return Day(date=day, papers=papers, announced=len(documents))


def _paper(profile: Profile, document: Document, match: Match, percentiles: Mapping[int, int]) -> Previewed:
    record = document.candidate.record
    return Previewed(
        id=record.arxiv_id or str(match.paper),
        title=record.title,
        score=match.score,
        strict=match.strict,
        matched=tuple(Why(profile.topics[i].text, words) for i, words in match.matched),
        trending=percentiles.get(match.paper),
        number=match.paper,
    )
