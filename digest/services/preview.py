"""What a profile would have got, day by day, without subscribing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from sqlmodel import Session, col, select

from digest import clock
from digest.compose.edition import Entry
from digest.db import papers as store
from digest.db.engine import reading
from digest.matching import calibrate, reference
from digest.matching.profile import Match, Profile
from digest.matching.strict import Document
from digest.matching.weights import Weights
from digest.models import Announcement
from digest.services import epochs, pool
from digest.services import select as select_
from digest.services.trending import Trend
from digest.services.views import Preview, PreviewDay, PreviewPaper


def preview(profile: Profile, *, days: int = 14, limit: int | None = None, until: date | None = None) -> Preview:
    """The last `days` calendar days up to `until` (the newest announcement's), at most `limit` papers of each.

    Days without an announcement are left out. Raises BadQuery for a topic in error.
    """
    with reading() as session:
        last = until or _newest_day(session)
        if last is None:
            return Preview(())
        announcements = _between(session, last - timedelta(days=days - 1), last)
        return Preview(tuple(_days(session, profile, announcements, limit or profile.limit)))


def _newest_day(session: Session) -> date | None:
    today = clock.now().astimezone(clock.ARXIV_ZONE).date()
    newest = store.current_announcement(session, today)
    return date.fromordinal(newest) if newest else None


def _between(session: Session, first: date, last: date) -> list[int]:
    statement = select(Announcement.id).where(col(Announcement.day).between(first, last))
    return list(session.exec(statement.order_by(col(Announcement.id))))


def _days(session: Session, profile: Profile, announcements: Sequence[int], limit: int) -> list[PreviewDay]:
    """Day after day; counts and threshold stay those of the week's first day, as in a run."""
    done: list[PreviewDay] = []
    week: tuple[int, int] | None = None
    weights, tau = Weights(calibrate.prior()), None
    for number in announcements:
        day = date.fromordinal(number)
        if week != day.isocalendar()[:2] or weights.counts.announcements < epochs.YOUNG:
            week = day.isocalendar()[:2]
            weights = Weights(epochs.counted_before(session, number))
            tau = _tau(session, profile, number, weights)
        done.append(_day(session, profile, number, weights, tau, limit))
    return done


def _tau(session: Session, profile: Profile, announcement: int, weights: Weights) -> int | None:
    if weights.counts.announcements < epochs.YOUNG or not profile.close:
        return None
    documents = pool.announced(session, store.window(session, announcement - 1, epochs.YOUNG))
    return calibrate.threshold(profile, documents, weights)


def _day(session: Session, profile: Profile, number: int, weights: Weights, tau: int | None, limit: int) -> PreviewDay:
    day = date.fromordinal(number)
    evening = datetime.combine(day + timedelta(days=1), time(0), tzinfo=clock.ARXIV_ZONE)
    documents, trends = pool.day(session, number, at=evening)
    if all(topic.muted for topic in profile.topics):
        papers, total = _without_topics(profile, documents, trends, weights, limit)
    else:
        by_id = {d.candidate.id: d for d in documents}
        found = reference.matches(profile, documents, weights, tau=tau)
        kept = reference.cap(replace(profile, limit=limit), found)
        papers, total = [_paper(profile, by_id[m.paper], m, trends) for m in kept], len(found)
    return PreviewDay(date=day, papers=tuple(papers), total=total, announced=len(documents))


def _without_topics(
    profile: Profile, documents: Sequence[Document], trends: Mapping[int, Trend], weights: Weights, limit: int
) -> tuple[list[PreviewPaper], int]:
    """What trends and what is new in the categories, as a run chooses it; and how many there are."""
    by_id = {d.candidate.id: d for d in documents}
    zeros, here = dict.fromkeys(by_id, 0), min((d.candidate.announcement for d in documents), default=0)
    known = pool.Pool(tuple(documents), dict.fromkeys(by_id, 1), zeros, trends, weights, here, here)
    content = select_.choose(known, replace(profile, limit=limit), seen_through=0, tau=None, sent=frozenset())
    shown = [_paper(profile, by_id[e.paper], e, trends) for e in content.entries[:limit]]
    return shown, len(content.entries) + content.more


def _paper(profile: Profile, document: Document, match: Match | Entry, trends: Mapping[int, Trend]) -> PreviewPaper:
    record, trend = document.candidate.record, trends.get(match.paper)
    return PreviewPaper(
        id=match.paper,
        title=record.title,
        score=match.score,
        strict=match.strict,
        matched=tuple((profile.topics[i].text, words) for i, words in match.matched),
        trending=trend.percentile if trend else None,
        arxiv_id=record.arxiv_id,
    )
