"""What a profile would have got, day by day, without subscribing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from sqlmodel import Session, col, select

from digest import clock
from digest.compose.edition import Content, Entry
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.errors import Cancelled
from digest.matching.profile import Profile
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.models import Announcement
from digest.papers import Record
from digest.services.catalog import announcements as announced
from digest.services.catalog import epochs
from digest.services.catalog.page_schemas import Preview, PreviewDay, PreviewPaper
from digest.services.editions import topic_counts
from digest.services.selection import candidate_papers, selector
from digest.services.selection import selector as select_
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.entry_building import SelectionRequest


def preview(
    profile: Profile,
    *,
    days: int = 14,
    limit: int | None = None,
    until: date | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Preview:
    """The last `days` calendar days up to `until` (the newest announcement's), at most `limit` papers of each.

    Days without an announcement are left out. `cancelled` is called before each day. Raises BadQuery for a topic in
    error, Cancelled.
    """
    profile = replace(profile, limit=limit or profile.limit)
    with reading() as session:
        last = until or _newest_day(session)
        if last is None:
            return Preview(())
        announcements = _between(session, last - timedelta(days=days - 1), last)
        contents_by_day = list(_days(session, profile, announcements, cancelled))
        versions = [(e.paper, e.revision) for _, content in contents_by_day for e in content.entries[: profile.limit]]
        records = store.versions(session, versions)
        counts = topic_counts.topic_counts(
            session,
            profile,
            [content for _, content in contents_by_day],
            lambda other: [content for _, content in _days(session, other, announcements, cancelled)],
        )
    shown = tuple(_preview_day(profile, pool, content, records) for pool, content in contents_by_day)
    return Preview(shown, counts)


def _newest_day(session: Session) -> date | None:
    today = clock.now().astimezone(clock.ARXIV_ZONE).date()
    newest = store.current_announcement(session, today)
    return date.fromordinal(newest) if newest else None


def _between(session: Session, first: date, last: date) -> list[int]:
    statement = select(Announcement.id).where(col(Announcement.day).between(first, last))
    return list(session.exec(statement.order_by(col(Announcement.id))))


def _days(
    session: Session, profile: Profile, announcements: Sequence[int], cancelled: Callable[[], bool]
) -> Iterator[tuple[CandidatePool, Content]]:
    """One day at a time; counts and threshold are those of the week's first day, as in a run."""
    week: tuple[int, int] | None = None
    weights: Weights = Weights(word_counts.prior())
    tau: int | None = None
    for number in announcements:
        if cancelled():
            raise Cancelled("the preview was cancelled: its client disconnected")
        day = date.fromordinal(number)
        if week != day.isocalendar()[:2] or weights.counts.announcements < epochs.MIN_ANNOUNCEMENTS:
            week = day.isocalendar()[:2]
            weights = epochs.weights_before(session, number)
            tau = _threshold(session, profile, number, weights)
        evening = datetime.combine(day + timedelta(days=1), time(0), tzinfo=clock.ARXIV_ZONE)
        pool = candidate_papers.pool_of(session, [number], at=evening, weights=weights)
        yield pool, select_.choose(session, pool, [SelectionRequest(profile, tau=tau, rising=False)])[0]


def _threshold(session: Session, profile: Profile, announcement: int, weights: Weights) -> int | None:
    """The profile's threshold in the epoch that begins with that announcement; None while it is young."""
    if weights.counts.announcements < epochs.MIN_ANNOUNCEMENTS:
        return None
    before = announced.days(session, store.announcement_window(session, announcement - 1, epochs.MIN_ANNOUNCEMENTS))
    return selector.thresholds(session, before, weights, {0: profile})[0]


def _preview_day(
    profile: Profile, pool: CandidatePool, content: Content, records: dict[tuple[int, int], Record]
) -> PreviewDay:
    return PreviewDay(
        date=date.fromordinal(pool.first),
        papers=tuple(_paper(profile, pool, e, records[e.paper, e.revision]) for e in content.entries[: profile.limit]),
        total=len(content.entries) + content.more,
        announced=len(pool.papers),
    )


def _paper(profile: Profile, pool: CandidatePool, entry: Entry, record: Record) -> PreviewPaper:
    trend = pool.trends.get(entry.paper)
    return PreviewPaper(
        id=entry.paper,
        title=record.title,
        score=entry.score,
        strict=entry.strict,
        matched=tuple((profile.topics[i].text, words) for i, words in entry.matched),
        trending=trend.percentile if trend else None,
        arxiv_id=record.arxiv_id,
    )
