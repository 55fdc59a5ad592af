"""What a run knows: the papers of its window with their trends, and its epoch's word weights.

Read once a process, not for each shard: it stays the same until a further batch of papers or signals is stored.
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
    """`days`: announcements, the newest first; of their papers those of batches up to `through` that stand."""

    days: tuple[AnnouncementDay, ...]
    through: int
    trends: Mapping[int, trending.Trend]
    weights: Weights

    @property
    def first(self) -> int:
        """The oldest announcement."""
        return self.days[-1].number

    def oldest(self, seen: int) -> int:
        """The oldest announcement with a paper that may rise, or that is new to who has seen so much."""
        fresh = (at for at, day in enumerate(self.days) if day.newest_batch > seen)
        return self.days[min(max([RISING_ANNOUNCEMENTS - 1, *fresh]), len(self.days) - 1)].number

    @cached_property
    def papers(self) -> Mapping[int, AnnouncedPaper]:
        """What may be chosen, by number."""
        return all_announced(self.days, self.through)

    def count_after(self, batch: int) -> int:
        """How many papers came by later batches than that one."""
        return sum(paper.batch > batch for paper in self.papers.values())

    @cached_property
    def announcement(self) -> Mapping[int, int]:
        """Each paper's announcement."""
        return {paper.id: day.number for day in self.days for paper in day.papers if paper.id in self.papers}

    @cached_property
    def rising(self) -> tuple[int, ...]:
        """The papers of the last 7 announcements that stand out by their signals, the strongest first."""
        recent = {paper.id for day in self.days[:RISING_ANNOUNCEMENTS] for paper in day.papers}
        found = [n for n, trend in self.trends.items() if trend.rises and n in recent and n in self.papers]
        return tuple(sorted(found, key=lambda number: (-self.trends[number].strength, number)))


def all_announced(days: Sequence[AnnouncementDay], through: int) -> dict[int, AnnouncedPaper]:
    """The papers of batches up to `through` that were not withdrawn, by number."""
    return {p.id: p for day in days for p in day.papers if not p.withdrawn and p.batch <= through}


def load_pool(session: Session, run: Run, epoch: Epoch | None, *, window: int = WINDOW_ANNOUNCEMENTS) -> CandidatePool:
    """The pool of a run: papers announced in its window and known to it, never withdrawn ones; its epoch's weights."""
    numbers = store.announcement_window(session, run.announcement_id, window) or [run.announcement_id]
    return pool_of(session, numbers, at=run.signals_at, through=run.batch_through, weights=epochs.weights(epoch))


def pool_of(
    session: Session, numbers: Sequence[int], *, at: datetime, weights: Weights, through: int | None = None
) -> CandidatePool:
    """The papers of these announcements (newest first), of batches up to `through`, with trends as of an instant."""
    days = tuple(announcements.days(session, numbers))
    last = max((day.newest_batch for day in days), default=0) if through is None else through
    kept = _pools.setdefault(engine(), {})
    key = days, last, at, weights, store.newest_batch(session)
    found = kept.pop(key, None)
    if found is None:
        listed = {paper.id: day.number for day in days for paper in day.papers}
        papers = {n: trending.Listing(listed[n], paper.revision) for n, paper in all_announced(days, last).items()}
        members = None if len(numbers) >= WINDOW_ANNOUNCEMENTS else _window(session, numbers, at, last)
        found = CandidatePool(days, last, trending.figures(session, papers, at=at, members=members), weights)
    kept[key] = found
    while len(kept) > _KEPT:
        kept.pop(next(iter(kept)))
    return found


def _window(session: Session, numbers: Sequence[int], at: datetime, through: int) -> trending.Population:
    """Whom the papers of a few announcements rank among: the whole window up to the newest, as in a run."""
    window = store.announcement_window(session, max(numbers), WINDOW_ANNOUNCEMENTS)
    return trending.population(session, list({*window, *numbers}), at=at, through=through)
