"""A run's candidates: the papers of its window with their trends, and its epoch's word weights.

Cached in the process, not read for each shard: it is valid until another batch of papers or signals is stored.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

from digest.db.core.engine import engine
from digest.db.papers import papers as store
from digest.db.papers.catalog_version import signals_version
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.models import Epoch, Run
from digest.services.catalog import announcements, epochs, trending_ranks
from digest.services.catalog.announcements import AnnouncedPaper, AnnouncementDay
from digest.services.catalog.context_lookup import NO_EPOCH, EpochContexts
from digest.services.selection.source_language_choice import EVERYTHING, PaperChoice, admitted_papers

RISING_ANNOUNCEMENTS = 7
_MAX_CACHED_POOLS = 80  # up to 60 announcements of a preview, each by itself, and those of runs
_MAX_CACHED_WEIGHTS = 2  # of the present epoch, and of the one before while its last runs go on
_PoolKey = tuple[Hashable, ...]  # what a pool is made from; at the end the version of the signals
_pools: WeakKeyDictionary[Engine, dict[_PoolKey, CandidatePool]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class CandidatePool:
    """`days`: announcements, newest first. Only papers of batches up to `through` that are not withdrawn count.

    `contexts`: of topics in the epoch of `weights`.
    """

    days: tuple[AnnouncementDay, ...]
    through: int
    trends: Mapping[int, trending_ranks.Trend]
    weights: Weights
    contexts: EpochContexts = NO_EPOCH

    @property
    def oldest_announcement(self) -> int:
        """The oldest announcement."""
        return self.days[-1].announcement_id

    def oldest_relevant_announcement(self, seen_through: int) -> int:
        """The oldest announcement with a paper that may rise, or that is from a batch after `seen_through`."""
        new_positions = (i for i, day in enumerate(self.days) if day.newest_batch > seen_through)
        return self.days[min(max([RISING_ANNOUNCEMENTS - 1, *new_positions]), len(self.days) - 1)].announcement_id

    @cached_property
    def papers(self) -> Mapping[int, AnnouncedPaper]:
        """The papers that may be selected, by id."""
        return all_announced(self.days, self.through)

    @cached_property
    def oldest_paper(self) -> int:
        """The smallest id of a paper that may be selected; 0 without papers."""
        return min(self.papers, default=0)

    def count_after(self, batch: int, choice: PaperChoice = EVERYTHING) -> int:
        """The number of papers from later batches that the choice admits."""
        if choice == EVERYTHING:
            return len(self._batches) - bisect_right(self._batches, batch)
        return sum(admitted_papers(choice, (paper for paper in self.papers.values() if paper.batch > batch)))

    @cached_property
    def _batches(self) -> list[int]:
        """The batch of each paper, sorted."""
        return sorted(paper.batch for paper in self.papers.values())

    @cached_property
    def announcement_of(self) -> Mapping[int, int]:
        """The announcement of each paper, by paper id."""
        return {paper.id: day.announcement_id for day in self.days for paper in day.papers if paper.id in self.papers}

    @cached_property
    def rising(self) -> tuple[int, ...]:
        """The papers of the last 7 announcements that stand out by their signals, the strongest first."""
        recent = {paper.id for day in self.days[:RISING_ANNOUNCEMENTS] for paper in day.papers}
        rising_ids = [n for n, trend in self.trends.items() if trend.rises and n in recent and n in self.papers]
        return tuple(sorted(rising_ids, key=lambda number: (-self.trends[number].strength, number)))


def all_announced(days: Sequence[AnnouncementDay], through: int) -> dict[int, AnnouncedPaper]:
    """The papers of batches up to `through` that were not withdrawn, by id."""
    return {paper.id: paper for day in days for paper in day.papers if not paper.withdrawn and paper.batch <= through}


def load_pool(session: Session, run: Run, epoch: Epoch | None, *, window: int = WINDOW_ANNOUNCEMENTS) -> CandidatePool:
    """The pool of a run: papers announced in its window and stored when it began, and its epoch's weights."""
    numbers = store.announcement_window(session, run.announcement_id, window) or [run.announcement_id]
    return pool_of(
        session,
        numbers,
        signals_at=run.signals_at,
        through=run.batch_through,
        weights=epochs.weights(epoch),
        contexts=EpochContexts.from_epoch(epoch),
    )


def pool_of(
    session: Session,
    numbers: Sequence[int],
    *,
    signals_at: datetime,
    weights: Weights,
    through: int | None = None,
    contexts: EpochContexts = NO_EPOCH,
) -> CandidatePool:
    """The papers of these announcements (newest first), of batches up to `through`, with trends as of `signals_at`."""
    days = tuple(announcements.announcement_days(session, numbers))
    newest_batch = max((day.newest_batch for day in days), default=0) if through is None else through
    pools = _pools.setdefault(engine(), {})
    key = days, newest_batch, signals_at, weights, contexts, signals_version(session.connection())
    pool = pools.pop(key, None)
    if pool is None:
        announcement_of = {paper.id: day.announcement_id for day in days for paper in day.papers}
        papers = {
            paper_id: trending_ranks.PaperListing(announcement_of[paper_id], paper.revision)
            for paper_id, paper in all_announced(days, newest_batch).items()
        }
        members = (
            None if len(numbers) >= WINDOW_ANNOUNCEMENTS else _ranking_peers(session, numbers, signals_at, newest_batch)
        )
        pool = CandidatePool(
            days,
            newest_batch,
            trending_ranks.trends_of(session, papers, at=signals_at, members=members),
            weights,
            contexts,
        )
    pools[key] = pool
    _drop_pools(pools, key[-1])
    return pool


def _drop_pools(pools: dict[_PoolKey, CandidatePool], current_version: Hashable) -> None:
    """Keep the pools used last, of the current signals: each of others holds trends, and one set of word weights."""
    recent_weights = list(dict.fromkeys(id(pool.weights) for pool in reversed(pools.values())))[:_MAX_CACHED_WEIGHTS]
    current_keys = [
        key for key, pool in pools.items() if key[-1] == current_version and id(pool.weights) in recent_weights
    ][-_MAX_CACHED_POOLS:]
    for key in pools.keys() - set(current_keys):
        del pools[key]


def _ranking_peers(
    session: Session, numbers: Sequence[int], signals_at: datetime, through: int
) -> trending_ranks.RankingPeers:
    """The papers to rank those of a few announcements among: the whole window up to the newest, as in a run."""
    window = store.announcement_window(session, max(numbers), WINDOW_ANNOUNCEMENTS)
    return trending_ranks.ranking_peers(session, list({*window, *numbers}), at=signals_at, through_batch=through)
