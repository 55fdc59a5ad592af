"""Selects the papers whose citations are fetched."""

from __future__ import annotations

from datetime import timedelta

from digest import clock
from digest.db.core.engine import reading
from digest.db.papers import source_days

MAX_PAPERS = 2000  # of one fetch
ANNOUNCED_WITHIN_DAYS = 120
COUNT_INTERVAL = timedelta(days=7)


def uncounted_papers(source: str) -> list[str]:
    """ArXiv ids of papers announced in the last 120 days whose citations this source did not count for a week."""
    now = clock.now()
    with reading() as session:
        return list(
            source_days.papers_without_count(
                session,
                source,
                "citations",
                since_announcement=now.date().toordinal() - ANNOUNCED_WITHIN_DAYS,
                taken_after=now - COUNT_INTERVAL,
                limit=MAX_PAPERS,
            )
        )
