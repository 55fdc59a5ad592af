"""What all previews have in common: the candidate papers of the last announcements, prepared once for each change.

In a web process a background task calls `refresh` every few seconds. It prepares the data of a new batch while previews
use those before, then replaces them, so that no visitor waits. Elsewhere, and where that task has ended, each preview
makes sure that its data are current.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as day_time
from functools import cached_property

from sqlmodel import Session

from digest import clock
from digest.caching import BoundedCache, exempt_objects_from_gc
from digest.db.core.engine import engine, reading
from digest.db.papers import papers as store
from digest.db.papers.catalog_version import signals_version
from digest.db.runs import runs
from digest.matching.reference.posting_cache import PostingCache
from digest.matching.reference.posting_lists import MAX_PAPERS, PostingLists
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.services.catalog import announcements, day_postings, epochs, index_files
from digest.services.catalog.context_lookup import EpochContexts
from digest.services.selection import candidate_papers
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.postings_backend import ThresholdDay, TitleCache

PREVIEW_DAYS = 14
_MAX_REFRESH_AGE = 600.0  # seconds after which the background task counts as ended
_MAX_KEPT = 4  # of usual previews, and as many of others
_numbers = itertools.count()


@dataclass(frozen=True, eq=False)
class PreviewData:
    """The announcements of a preview, oldest first, each with its posting lists; and those that set the threshold.

    `window` is empty where fewer than 14 announcements are before the newest. `contexts`: of the newest epoch, which
    has nearly the same word counts as the newest day. `newest_batch`: the last one that was stored before. `titles`: of
    the papers that previews have shown. `number` differs for other data.
    """

    pools: tuple[CandidatePool, ...]
    postings: tuple[PostingLists, ...]
    window: tuple[ThresholdDay, ...]
    weights: Weights
    contexts: EpochContexts
    newest_batch: int
    titles: TitleCache = field(default_factory=dict)
    number: int = field(default_factory=lambda: next(_numbers))

    @cached_property
    def posting_cache(self) -> PostingCache:
        """Looks topics up in all these announcements."""
        return PostingCache([*self.postings, *(day.postings for day in self.window)])


class PreviewDataCache:
    """The data of previews in this process."""

    def __init__(self) -> None:
        self._usual, self._others = _new_cache(), _new_cache()  # apart, so that unusual previews displace no usual data
        self._refreshed_at = -_MAX_REFRESH_AGE
        self._is_failing = False

    def current(self, session: Session, days: int, until: date | None = None) -> PreviewData | None:
        """The data for the last `days` calendar days up to `until` (the newest announcement's); None without papers."""
        is_refreshed = time.monotonic() < self._refreshed_at + _MAX_REFRESH_AGE
        if is_refreshed and (days, until) == (PREVIEW_DAYS, None):
            cached = self._usual.peek(self._key(days, until))
            if cached is not None:
                return cached
        return self._current(session, days, until)

    def refresh(self) -> None:
        """Prepare the data of usual previews where papers or signals have changed. To be called every few seconds.

        Until that is done, previews use the data before; where it keeps failing, for ten minutes.
        """
        before = self._usual.peek(self._key(PREVIEW_DAYS, None))
        if not self._is_failing and before is not None:
            self._refreshed_at = time.monotonic()
        self._is_failing = True
        with reading() as session:
            data = self._current(session, PREVIEW_DAYS, None)
        self._is_failing, self._refreshed_at = False, time.monotonic()
        if data is not before:
            _prepare_contexts(data)
            exempt_objects_from_gc()

    def _current(self, session: Session, days: int, until: date | None) -> PreviewData | None:
        last_day = until or _newest_day(session)
        version = last_day, signals_version(session.connection())
        cache = self._usual if (days, until) == (PREVIEW_DAYS, None) else self._others
        return cache.get(self._key(days, until), lambda: _prepare(session, days, last_day), version=version)

    @staticmethod
    def _key(days: int, until: date | None) -> Hashable:
        return engine().url, index_files.folder(), days, until  # to write a URL as text takes longer than to hash it


def _prepare_contexts(data: PreviewData | None) -> None:
    """Prepare what contexts of new topics are computed from, after the data, so that previews don't wait for it."""
    if data is not None:
        with reading() as session:
            data.contexts.prepare(session)


def _new_cache() -> BoundedCache[PreviewData | None]:
    return BoundedCache(max_entries=_MAX_KEPT, max_bytes=_MAX_KEPT, size_of=lambda _: 1)


cache = PreviewDataCache()


def _newest_day(session: Session) -> date | None:
    today = clock.now().astimezone(clock.ARXIV_ZONE).date()
    newest = store.current_announcement(session, today)
    return date.fromordinal(newest) if newest else None


def _prepare(session: Session, days: int, last_day: date | None) -> PreviewData | None:
    if last_day is None:
        return None
    announced = store.announcements_between(session, last_day - timedelta(days=days - 1), last_day)
    sizes = {day.announcement_id: len(day.papers) for day in announcements.announcement_days(session, announced)}
    announcement_ids = [announcement_id for announcement_id in announced if sizes[announcement_id] <= MAX_PAPERS]
    if not announcement_ids:
        return None
    weights = epochs.weights_before(session, announcement_ids[-1])
    pools = tuple(_pool_of_day(session, announcement_id, weights) for announcement_id in announcement_ids)
    return PreviewData(
        pools,
        tuple(day_postings.postings_of_day(session, pool.days[0]) for pool in pools),
        tuple(_threshold_window(session, announcement_ids)),
        weights,
        EpochContexts.from_epoch(runs.newest_epoch(session)),
        store.newest_batch(session),
    )


def _pool_of_day(session: Session, announcement_id: int, weights: Weights) -> CandidatePool:
    next_day = date.fromordinal(announcement_id) + timedelta(days=1)
    end_of_day = datetime.combine(next_day, day_time(0), tzinfo=clock.ARXIV_ZONE)
    return candidate_papers.pool_of(session, [announcement_id], signals_at=end_of_day, weights=weights)


def _threshold_window(session: Session, announcement_ids: Sequence[int]) -> list[ThresholdDay]:
    """The announcements before the newest one that set the threshold; none where they are fewer than 14."""
    before = store.announcement_window(session, announcement_ids[-1] - 1, WINDOW_ANNOUNCEMENTS)
    days = announcements.announcement_days(session, before)
    if len(days) < WINDOW_ANNOUNCEMENTS or any(len(day.papers) > MAX_PAPERS for day in days):
        return []
    return [
        ThresholdDay(
            day.announcement_id,
            candidate_papers.all_announced([day], day.newest_batch),
            day_postings.postings_of_day(session, day),
        )
        for day in days
    ]
