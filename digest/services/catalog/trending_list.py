"""The list of trending papers: the best of the last announcements, then new ones that their content speaks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nlargest

from sqlmodel import Session

from digest import clock, i18n
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.papers import quality_figures as figure_store
from digest.matching.scoring.boolean_match import in_category
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.matching.trending import content_prior
from digest.models.types import stored_id
from digest.papers import Record
from digest.services.catalog import trending_ranks

RECENT_ANNOUNCEMENTS = 7  # announcements whose papers are listed
_FIRST_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RisingPaper:
    """One row of a trending list. `listed_at`: the instant of its announcement."""

    paper_id: int
    record: Record
    trend: trending_ranks.Trend
    listed_at: datetime


def current_trending(
    category: str | None, limit: int, *, announcements: int = RECENT_ANNOUNCEMENTS
) -> list[RisingPaper]:
    """Trending papers of the last announcements, by their percentile within their field, best first.

    Where there are fewer than `limit`, new papers without votes follow, ordered by their content.
    """
    at = clock.now()
    with reading() as session:
        today = at.astimezone(clock.ARXIV_ZONE).date()
        current = store.current_announcement(session, today)
        recent = store.announcement_window(session, current, announcements) if current else []
        with_signal = {paper_id for paper_id, *_ in figure_store.field_members(session, recent)}
        is_ranked_together = category is None and announcements <= WINDOW_ANNOUNCEMENTS
        listable_ids = _best_by_percentile(session, with_signal, limit, at) if is_ranked_together else with_signal
        versions = store.newest_versions_chunked(session, list(listable_ids))
        papers_by_id = {
            stored_id(paper): (paper, record) for paper, record in versions if _is_in_category(record, category)
        }
        listings = {
            paper_id: trending_ranks.PaperListing(paper.announcement_id, paper.revision)
            for paper_id, (paper, _) in papers_by_id.items()
        }
        trends = trending_ranks.trends_among_recent(session, listings, at=at)
        order = sorted((-trend.percentile, -trend.strength, paper_id) for paper_id, trend in trends.items())
        rising_papers = [
            RisingPaper(
                paper_id,
                papers_by_id[paper_id][1],
                trends[paper_id],
                trending_ranks.listed_at(listings[paper_id].announcement) or at,
            )
            for *_, paper_id in order[:limit]
        ]
        unvoted_papers = _unvoted(session, current, with_signal, category, at) if len(rising_papers) < limit else []
    return (rising_papers + unvoted_papers)[:limit]


def _best_by_percentile(session: Session, papers: Collection[int], limit: int, at: datetime) -> list[int]:
    """Those of these papers of recent announcements that may be among the first by percentile, ties included.

    Only their records are read and only their trends explained, which takes 0.5 ms each.
    """
    percentiles = trending_ranks.percentiles_among_recent(session, papers, at=at)
    least = min(nlargest(limit, percentiles.values()), default=0)
    return [paper_id for paper_id, percentile in percentiles.items() if percentile >= least]


def _unvoted(
    session: Session, current: int | None, voted_ids: Collection[int], category: str | None, at: datetime
) -> list[RisingPaper]:
    """Papers of the newest announcement without votes, in its first day, where their content predicts interest.

    They are only listed after papers with signals, on pages and in feeds; they affect no score and no mail.
    """
    listed_at = trending_ranks.listed_at(current)
    if current is None or listed_at is None or at - listed_at > _FIRST_DAY:
        return []
    unvoted_ids = [paper_id for paper_id in store.announced_paper_ids(session, current) if paper_id not in voted_ids]
    rising_papers: list[RisingPaper] = []
    for paper, record in store.newest_versions_chunked(session, unvoted_ids):
        content = content_prior.PaperProperties(
            code=record.has_code or record.code_url is not None,
            organisation=bool(record.institutions),
            authors=len(record.authors),
        )
        if _is_in_category(record, category) and (facts := content_prior.describe_content(content, i18n)):
            rising_papers.append(
                RisingPaper(
                    stored_id(paper),
                    record,
                    trending_ranks.Trend(content_prior.content_prior(content), 0, (), facts),
                    listed_at,
                )
            )
    return sorted(rising_papers, key=lambda paper: (-paper.trend.strength, paper.paper_id))


def _is_in_category(record: Record, category: str | None) -> bool:
    """True where the record has that category, and always for None."""
    return category is None or in_category(category.lower(), [name.lower() for name in record.categories])
