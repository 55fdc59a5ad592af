"""A run's papers as arrays beside their indexes: built once a process for all subscribers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from digest.matching.engine.engine_matcher import AdmittedPapers, PaperFacts
from digest.matching.engine.paper_index import CODE, INSTITUTION, PaperIndex
from digest.matching.scoring.boolean_match import in_category
from digest.services.catalog import day_indexes
from digest.services.catalog.announcements import AnnouncedPaper, AnnouncementDay
from digest.services.selection import edition_sections
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.source_language_choice import EVERYTHING, PaperChoice, admitted_papers

I64 = NDArray[np.int64]
_MAX_MASKS = 1_000  # choices of outlets and languages, of one byte for each paper
_DAILY_WINDOW_DAYS = 2  # enough for daily mail; all other subscribers share the longest window that one of them needs


@dataclass(frozen=True, eq=False)
class PaperColumns:
    """Indexes with a run's facts about their papers. `ranks`: paper positions in order; None: the order by content."""

    indexes: tuple[PaperIndex, ...]
    facts: PaperFacts
    ids: I64
    papers: Sequence[AnnouncedPaper]
    ranks: I64 | None = None
    _masks: dict[PaperChoice, NDArray[np.bool_]] = field(default_factory=dict)

    def admitted_by(self, choice: PaperChoice) -> NDArray[np.bool_]:
        """A mask of the papers that a choice of outlets and languages admits; cached."""
        if choice not in self._masks:
            if len(self._masks) >= _MAX_MASKS:
                self._masks.clear()
            self._masks[choice] = np.array(admitted_papers(choice, self.papers), bool)
        return self._masks[choice]

    def admitted(self, choices: Sequence[PaperChoice]) -> AdmittedPapers | None:
        """The papers that each of these choices admits; None where all admit all."""
        numbers = {choice: number for number, choice in enumerate(dict.fromkeys(choices))}
        if all(choice == EVERYTHING for choice in numbers):
            return None
        set_of_row = np.array([numbers[choice] for choice in choices], np.int64)
        return AdmittedPapers(set_of_row, np.stack([self.admitted_by(choice) for choice in numbers]))

    @cached_property
    def order(self) -> I64:
        """Paper positions, sorted for profiles without topics."""
        if self.ranks is not None:
            return self.ranks
        signs = [sign for index in self.indexes for sign in _content(index)]
        keys = np.array(
            [edition_sections.content_order(p, *s) for p, s in zip(self.facts.trending.tolist(), signs, strict=True)]
        )
        percentile, prior = keys.reshape(-1, 2).T
        return np.lexsort((self.ids, -self.facts.announcement, prior, percentile))

    def eligible(self, seen_through: int | None) -> NDArray[np.bool_]:
        """A mask of the papers that may be selected, from batches after `seen_through`."""
        mask = np.ones(len(self.ids), bool) if self.facts.eligible is None else self.facts.eligible.copy()
        if seen_through is not None and self.facts.batch is not None:
            mask &= self.facts.batch > seen_through
        return mask

    def in_categories(self, categories: Sequence[str], *, primary_only: bool) -> NDArray[np.bool_]:
        """A mask of the papers in one of these categories."""
        parts = [np.zeros(0, bool)]
        for index in self.indexes:
            is_wanted = [
                any(in_category(category.lower(), [name]) for category in categories) for name in index.categories
            ]
            count = np.concatenate(([0], np.cumsum(np.array(is_wanted, bool)[index.category_id], dtype=np.int64)))
            begin, end = index.category_at[:-1], index.category_at[1:]
            end = np.minimum(begin + 1, end) if primary_only else end
            parts.append(count[end] > count[begin])
        return np.concatenate(parts)

    def ids_in_order(self, mask: NDArray[np.bool_]) -> list[int]:
        """The ids of the masked papers, in `order`."""
        paper_ids: list[int] = self.ids[self.order[mask[self.order]]].tolist()
        return paper_ids


def _content(index: PaperIndex) -> list[tuple[bool, bool, int]]:
    """Of each paper whether code and institutions are known, and how many authors it has."""
    affiliated = np.zeros(index.paper_count, bool)
    affiliated[index.text_paper[index.text_kind == INSTITUTION]] = True
    return list(
        zip(((index.flags & CODE) > 0).tolist(), affiliated.tolist(), np.diff(index.name_at).tolist(), strict=True)
    )


class WindowArrays:
    """The candidates of a run, by number of newest announcements, and the rising papers."""

    def __init__(self, pool: CandidatePool) -> None:
        self.days, self.through = pool.days, pool.through
        self._trending = {number: trend.percentile for number, trend in pool.trends.items()}
        self._rising = [pool.papers[paper_id] for paper_id in pool.rising]
        self._announcement_of = {paper.id: pool.announcement_of[paper.id] for paper in self._rising}
        self._columns: dict[int, PaperColumns] = {}
        batches = [[paper.batch for paper in day.papers if paper.id in pool.papers] for day in pool.days]
        self._newest_batches = [max(day_batches, default=0) for day_batches in batches]
        self._candidates = list(pool.papers.values())
        self._batches_by_choice: dict[PaperChoice, I64] = {}

    def count_new(self, seen_through: Sequence[int], choices: Sequence[PaperChoice]) -> list[int]:
        """For each last seen batch and choice, the number of papers from later batches that the choice admits."""
        return [
            len(self._batches(choice)) - int(np.searchsorted(self._batches(choice), batch, side="right"))
            for batch, choice in zip(seen_through, choices, strict=True)
        ]

    def _batches(self, choice: PaperChoice) -> I64:
        """The batches of the papers that a choice admits, sorted."""
        if choice not in self._batches_by_choice:
            is_chosen = admitted_papers(choice, self._candidates)
            batches = [
                paper.batch for paper, is_included in zip(self._candidates, is_chosen, strict=True) if is_included
            ]
            self._batches_by_choice[choice] = np.sort(np.array(batches, np.int64))
        return self._batches_by_choice[choice]

    def group_by_days(self, seen_through: Sequence[int]) -> dict[int, list[int]]:
        """Row numbers by how many of the newest announcements contain everything new for that subscriber."""
        days_needed = {
            batch: max((i + 1 for i, newest in enumerate(self._newest_batches) if newest > batch), default=0)
            for batch in set(seen_through)
        }
        max_days = max(days_needed.values())
        rows_by_days: dict[int, list[int]] = {}
        for row, batch in enumerate(seen_through):
            days = min(_DAILY_WINDOW_DAYS, max_days) if days_needed[batch] <= _DAILY_WINDOW_DAYS else max_days
            rows_by_days.setdefault(days, []).append(row)
        return rows_by_days

    def newest(self, session: Session, days: int) -> PaperColumns:
        """The papers of the newest announcements."""
        if days not in self._columns:
            self._columns[days] = window_of_days(
                session, self.days[:days], through=self.through, trending=self._trending
            )
        return self._columns[days]

    def rising(self, session: Session) -> PaperColumns:
        """The rising papers."""
        if -1 not in self._columns:
            papers = sorted(self._rising)
            index = day_indexes.rising_index(session, papers)
            rank = {paper.id: i for i, paper in enumerate(self._rising)}
            facts = PaperFacts(
                np.array([self._announcement_of[paper.id] for paper in papers], np.int64),
                _percentiles(papers, self._trending),
                rank=np.array([-rank[paper.id] for paper in papers], np.int64),
            )
            ranks = np.argsort([rank[paper.id] for paper in papers])
            self._columns[-1] = PaperColumns((index,), facts, index.ids, papers, ranks)
        return self._columns[-1]


def window_of_days(
    session: Session,
    days: Sequence[AnnouncementDay],
    *,
    through: int | None = None,
    trending: Mapping[int, int] | None = None,
) -> PaperColumns:
    """The papers of these announcements; eligible are those of batches up to `through` that were not withdrawn."""
    papers = [paper for day in days for paper in day.papers]
    announcement = np.repeat([day.announcement_id for day in days], [len(day.papers) for day in days]).astype(np.int64)
    batch = np.array([paper.batch for paper in papers], np.int64)
    eligible = ~np.array([paper.withdrawn for paper in papers], bool)
    if through is not None:
        eligible &= batch <= through
    ids = np.array([paper.id for paper in papers], np.int64)
    facts = PaperFacts(announcement, _percentiles(papers, trending or {}), batch=batch, eligible=eligible)
    indexes = tuple(day_indexes.index_of_day(session, day) for day in days)
    return PaperColumns(indexes, facts, ids, papers)


def _percentiles(papers: Sequence[AnnouncedPaper], trending: Mapping[int, int]) -> NDArray[np.int32]:
    if not trending:
        return np.zeros(len(papers), np.int32)
    return np.array([trending.get(paper.id, 0) for paper in papers], np.int32)
