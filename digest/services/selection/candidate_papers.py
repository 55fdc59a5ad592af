"""A run's candidates: the papers of its window with their trends, and its epoch's word weights.

Cached in the process, not read for each shard: it is valid until another batch of papers or signals is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

from digest.db.core.engine import engine
from digest.db.papers import papers as store
from digest.matching.scoring.bm25 import Weights
from digest.models import Epoch, Run
from digest.services.catalog import announcements, epochs, trending
from digest.services.catalog.announcements import AnnouncedPaper, AnnouncementDay

WINDOW_ANNOUNCEMENTS = trending.WINDOW_ANNOUNCEMENTS
RISING_ANNOUNCEMENTS = 7
_KEPT = 48
_pools: WeakKeyDictionary[Engine, dict[object, CandidatePool]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class CandidatePool:
    """`days`: announcements, newest first. Only papers of batches up to `through` that are not withdrawn count."""

    days: tuple[AnnouncementDay, ...]
    through: int
    trends: Mapping[int, trending.Trend]
    weights: Weights

    @property
    def first(self) -> int:
        """The oldest announcement."""
        return self.days[-1].announcement_id

    def oldest(self, seen: int) -> int:
        """The oldest announcement with a paper that may rise, or that is from a batch after `seen_through`."""
        fresh = (at for at, day in enumerate(self.days) if day.newest_batch > seen)
        return self.days[min(max([RISING_ANNOUNCEMENTS - 1, *fresh]), len(self.days) - 1)].announcement_id

    @cached_property
    def papers(self) -> Mapping[int, AnnouncedPaper]:
        """The papers that may be selected, by id."""
        return all_announced(self.days, self.through)

    def count_after(self, batch: int) -> int:
        """The number of papers from later batches."""
        return sum(paper.batch > batch for paper in self.papers.values())

    @cached_property
    def announcement(self) -> Mapping[int, int]:
        """The announcement of each paper, by paper id."""
        return {paper.id: day.announcement_id for day in self.days for paper in day.papers if paper.id in self.papers}

    @cached_property
    def rising(self) -> tuple[int, ...]:
        """The papers of the last 7 announcements that have a signal, the strongest first."""
        recent = {paper.id for day in self.days[:RISING_ANNOUNCEMENTS] for paper in day.papers}
        found = [number for number in self.trends if number in recent and number in self.papers]
        return tuple(sorted(found, key=lambda number: (-self.trends[number].strength, number)))


def all_announced(days: Sequence[AnnouncementDay], through: int) -> dict[int, AnnouncedPaper]:
    """The papers of batches up to `through` that were not withdrawn, by id."""
    return {p.id: p for day in days for p in day.papers if not p.withdrawn and p.batch <= through}


def load_pool(session: Session, run: Run, epoch: Epoch | None, *, window: int = WINDOW_ANNOUNCEMENTS) -> CandidatePool:
    """The pool of a run: papers announced in its window and stored when it began, and its epoch's weights."""
    numbers = store.announcement_window(session, run.announcement_id, window) or [run.announcement_id]
    return pool_of(session, numbers, at=run.signals_at, through=run.batch_through, weights=epochs.weights(epoch))


def pool_of(
    session: Session, numbers: Sequence[int], *, at: datetime, weights: Weights, through: int | None = None
) -> CandidatePool:
    """The papers of these announcements (newest first), of batches up to `through`, with trends as of `signals_at`."""
    days = tuple(announcements.announcement_days(session, numbers))
    last = max((day.newest_batch for day in days), default=0) if through is None else through
    kept = _pools.setdefault(engine(), {})
    key = days, last, at, weights, store.newest_batch(session)
    found = kept.pop(key, None)
    if found is None:
        listed = {paper.id: day.announcement_id for day in days for paper in day.papers}
        papers = {n: trending.PaperListing(listed[n], paper.revision) for n, paper in all_announced(days, last).items()}
        members = None if len(numbers) >= WINDOW_ANNOUNCEMENTS else _window(session, numbers, at, last)
        found = CandidatePool(days, last, trending.trends_of(session, papers, at=at, members=members), weights)
    kept[key] = found
    while len(kept) > _KEPT:
        kept.pop(next(iter(kept)))
    return found


def _window(session: Session, numbers: Sequence[int], at: datetime, through: int) -> trending.Population:
    """The papers to rank those of a few announcements among: the whole window up to the newest, as in a run."""
    window = store.announcement_window(session, max(numbers), WINDOW_ANNOUNCEMENTS)
    return trending.population(session, list({*window, *numbers}), at=at, through_batch=through)
