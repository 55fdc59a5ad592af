"""A run's papers beside their indexes, in arrays: made once a process for all its readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from digest.matching.engine.engine_matcher import PaperFacts
from digest.matching.engine.paper_index import CODE, INSTITUTION, PaperIndex
from digest.matching.scoring.boolean_match import in_category
from digest.services.catalog import day_indexes
from digest.services.catalog.announcements import AnnouncedPaper, AnnouncementDay
from digest.services.selection import entry_building
from digest.services.selection.candidate_papers import CandidatePool

I64 = NDArray[np.int64]
_FEW_DAYS = 2  # who gets mail every day needs no more; the others are matched with all that any of them needs


@dataclass(frozen=True, eq=False)
class PaperColumns:
    """Indexes and what a run knows of their papers. `ranks`: their order, without it the one by content."""

    indexes: tuple[PaperIndex, ...]
    facts: PaperFacts
    ids: I64
    ranks: I64 | None = None

    @cached_property
    def order(self) -> I64:
        """Places in the order of subscribers without topics."""
        if self.ranks is not None:
            return self.ranks
        signs = [sign for index in self.indexes for sign in _content(index)]
        keys = np.array(
            [entry_building.content_order(p, *s) for p, s in zip(self.facts.trending.tolist(), signs, strict=True)]
        )
        percentile, prior = keys.reshape(-1, 2).T
        return np.lexsort((self.ids, -self.facts.announcement, prior, percentile))

    def eligible(self, seen: int | None) -> NDArray[np.bool_]:
        """Which may be chosen, of batches after `seen`."""
        mask = np.ones(len(self.ids), bool) if self.facts.eligible is None else self.facts.eligible.copy()
        if seen is not None and self.facts.batch is not None:
            mask &= self.facts.batch > seen
        return mask

    def in_categories(self, wanted: Sequence[str], *, primary_only: bool) -> NDArray[np.bool_]:
        """Which are in one of these categories."""
        parts = [np.zeros(0, bool)]
        for index in self.indexes:
            fits = [any(in_category(one.lower(), [name]) for one in wanted) for name in index.categories]
            count = np.concatenate(([0], np.cumsum(np.array(fits, bool)[index.category_id], dtype=np.int64)))
            begin, end = index.category_at[:-1], index.category_at[1:]
            end = np.minimum(begin + 1, end) if primary_only else end
            parts.append(count[end] > count[begin])
        return np.concatenate(parts)

    def in_order(self, mask: NDArray[np.bool_]) -> list[int]:
        """The numbers of these papers."""
        found: list[int] = self.ids[self.order[mask[self.order]]].tolist()
        return found


def _content(index: PaperIndex) -> list[tuple[bool, bool, int]]:
    """Of each paper whether code and institutions are known, and how many authors it has."""
    affiliated = np.zeros(index.papers, bool)
    affiliated[index.text_paper[index.text_kind == INSTITUTION]] = True
    return list(
        zip(((index.flags & CODE) > 0).tolist(), affiliated.tolist(), np.diff(index.name_at).tolist(), strict=True)
    )


class WindowArrays:
    """The papers that a run may choose from, by how many of the newest announcements, and those that rise."""

    def __init__(self, known: CandidatePool) -> None:
        self.days, self.through = known.days, known.through
        self._trending = {number: trend.percentile for number, trend in known.trends.items()}
        self._rising = [known.papers[number] for number in known.rising]
        self._announcement = {paper.id: known.announcement[paper.id] for paper in self._rising}
        self._made: dict[int, PaperColumns] = {}
        batches = [[paper.batch for paper in day.papers if paper.id in known.papers] for day in known.days]
        self._newest = [max(some, default=0) for some in batches]
        self._batches = np.sort(np.array([batch for some in batches for batch in some], np.int64))

    def considered(self, seen: Sequence[int]) -> I64:
        """How many papers are new to readers who have seen so much."""
        found: I64 = len(self._batches) - np.searchsorted(self._batches, np.array(seen, np.int64), side="right")
        return found

    def parts(self, seen: Sequence[int]) -> dict[int, list[int]]:
        """Readers (their places) by how many of the newest announcements hold all that is new to them."""
        need = {
            one: max((at + 1 for at, last in enumerate(self._newest) if last > one), default=0) for one in set(seen)
        }
        most = max(need.values())
        found: dict[int, list[int]] = {}
        for place, one in enumerate(seen):
            days = min(_FEW_DAYS, most) if need[one] <= _FEW_DAYS else most
            found.setdefault(days, []).append(place)
        return found

    def newest(self, session: Session, days: int) -> PaperColumns:
        """The papers of the newest announcements."""
        if days not in self._made:
            self._made[days] = window_of_days(session, self.days[:days], through=self.through, trending=self._trending)
        return self._made[days]

    def rising(self, session: Session) -> PaperColumns:
        """The papers that rise."""
        if -1 not in self._made:
            papers = sorted(self._rising)
            index = day_indexes.rising_index(session, papers)
            place = {paper.id: at for at, paper in enumerate(self._rising)}
            facts = PaperFacts(
                np.array([self._announcement[paper.id] for paper in papers], np.int64),
                _percentiles(papers, self._trending),
                rank=np.array([-place[paper.id] for paper in papers], np.int64),
            )
            ranks = np.argsort([place[paper.id] for paper in papers])
            self._made[-1] = PaperColumns((index,), facts, index.ids, ranks)
        return self._made[-1]


def window_of_days(
    session: Session,
    days: Sequence[AnnouncementDay],
    *,
    through: int | None = None,
    trending: Mapping[int, int] | None = None,
) -> PaperColumns:
    """The papers of these announcements; open are those of batches up to `through` that were not withdrawn."""
    papers = [paper for day in days for paper in day.papers]
    announcement = np.repeat([day.number for day in days], [len(day.papers) for day in days]).astype(np.int64)
    batch = np.array([paper.batch for paper in papers], np.int64)
    opened = ~np.array([paper.withdrawn for paper in papers], bool)
    if through is not None:
        opened &= batch <= through
    ids = np.array([paper.id for paper in papers], np.int64)
    facts = PaperFacts(announcement, _percentiles(papers, trending or {}), batch=batch, eligible=opened)
    indexed = tuple(day_indexes.index_of_day(session, day) for day in days)
    return PaperColumns(indexed, facts, ids)


def _percentiles(papers: Sequence[AnnouncedPaper], trending: Mapping[int, int]) -> NDArray[np.int32]:
    if not trending:
        return np.zeros(len(papers), np.int32)
    return np.array([trending.get(paper.id, 0) for paper in papers], np.int32)
