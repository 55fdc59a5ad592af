"""Preview the papers of a profile for each of the last days, without a subscription."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from sqlmodel import Session

from digest import clock
from digest.compose.edition import Content, Entry
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.errors import Cancelled
from digest.matching.profile import Profile
from digest.matching.reference.reference_matcher import FindingCache
from digest.papers import Record
from digest.services.catalog import announcements as announced
from digest.services.catalog import epochs
from digest.services.catalog.page_schemas import Preview, PreviewDay, PreviewPaper
from digest.services.editions import topic_counts
from digest.services.selection import candidate_papers, selector
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.edition_sections import SelectionRequest
from digest.services.selection.paper_admission import choice_of
from digest.services.selection.selector import PreviewPlan


def preview(
    profile: Profile,
    *,
    days: int = 14,
    limit: int | None = None,
    until: date | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    whole: bool = False,
) -> Preview:
    """The last `days` calendar days up to `until` (the newest announcement's), at most `limit` papers of each.

    Days without an announcement are left out. Word counts and threshold are those of the newest day, for all days.
    `cancelled` is called before each day. `whole`: look at all days, even where that takes long. Raises BadQuery for a
    topic in error, Cancelled, TooMany.
    """
    profile = replace(profile, limit=limit or profile.limit)
    with reading() as session:
        last_day = until or _newest_day(session)
        if last_day is None:
            return Preview(())
        announcements = store.announcements_between(session, last_day - timedelta(days=days - 1), last_day)
        if not announcements:
            return Preview(())
        plan = selector.plan_preview(session, profile, announcements, whole=whole)
        contents_by_day = list(_contents_by_day(session, profile, plan, cancelled))
        versions = [
            (entry.paper, entry.revision)
            for _, content in contents_by_day
            for entry in content.entries[: profile.limit]
        ]
        records = store.versions(session, versions)
        counts = topic_counts.topic_counts(
            session,
            profile,
            [content for _, content in contents_by_day],
            lambda other: [content for _, content in _contents_by_day(session, other, plan, cancelled)],
        )
    days_shown = tuple(_preview_day(profile, pool, content, records) for pool, content in contents_by_day)
    return Preview(days_shown, left_out=plan.left_out, topics=counts)


def _newest_day(session: Session) -> date | None:
    today = clock.now().astimezone(clock.ARXIV_ZONE).date()
    newest = store.current_announcement(session, today)
    return date.fromordinal(newest) if newest else None


def _contents_by_day(
    session: Session, profile: Profile, plan: PreviewPlan, cancelled: Callable[[], bool]
) -> Iterator[tuple[CandidatePool, Content]]:
    weights = epochs.weights_before(session, plan.announcements[-1])
    findings = FindingCache() if plan.by_reference else None
    tau: int | None = None
    if plan.window:
        window = announced.announcement_days(session, plan.window)
        tau = selector.thresholds(
            session, window, weights, {0: profile}, by_reference=plan.by_reference, findings=findings
        )[0]
    for announcement_id in plan.announcements:
        if cancelled():
            raise Cancelled("the preview was cancelled: its client disconnected")
        day = date.fromordinal(announcement_id)
        end_of_day = datetime.combine(day + timedelta(days=1), time(0), tzinfo=clock.ARXIV_ZONE)
        pool = candidate_papers.pool_of(session, [announcement_id], signals_at=end_of_day, weights=weights)
        request = SelectionRequest(profile, tau=tau, rising=False)
        [content] = selector.choose(session, pool, [request], by_reference=plan.by_reference, findings=findings)
        yield pool, content


def _preview_day(
    profile: Profile, pool: CandidatePool, content: Content, records: dict[tuple[int, int], Record]
) -> PreviewDay:
    return PreviewDay(
        date=date.fromordinal(pool.oldest_announcement),
        papers=tuple(
            _paper(profile, pool, entry, records[entry.paper, entry.revision])
            for entry in content.entries[: profile.limit]
        ),
        total=len(content.entries) + content.more,
        announced=pool.count_after(0, choice_of(profile)),
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
        example=entry.example,
        example_words=entry.example_words,
    )
