"""The matching engine: the same results as the reference matcher, for many profiles at once.

Papers are indexed once (`paper_index.build`), joined with the compiled profiles (`join.join`), weighted by an epoch's
word counts (`impacts.weigh`), and can then be matched any number of times. Machine code is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine.dense_rows import to_bitsets
from digest.matching.engine.impacts import Impacts, compute_impacts
from digest.matching.engine.join import JoinedPapers, join_papers
from digest.matching.engine.match_results import MatchResults
from digest.matching.engine.paper_index import PaperIndex
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.kernel import match_kernel
from digest.matching.kernel.array_layout import (
    ANSWER,
    HIT,
    I32,
    I64,
    MOST_TOPICS,
    PAPER,
    QUESTION,
    REASONS_BATCH,
    WORK_DAY,
    WORK_TOPIC,
    MatchArrays,
    PaperArrays,
    Requests,
    Workspace,
)  # fmt: skip
from digest.matching.kernel.bitsets import STACK
from digest.matching.kernel.match_kernel import ALL, CAPPED, RANKED
from digest.matching.kernel.profile_decoding import EXPLAIN, LARGEST, MODE, RANKED_MOST, TOGETHER, WITH_CLOSE
from digest.matching.profile import USUAL, Profile
from digest.matching.scoring.bm25 import CLOSE_PAPERS, LAMBDA, Weights

__all__ = ["ALL", "CAPPED", "RANKED", "EngineMatcher", "PaperFacts", "SentPapers"]

USUAL_CLOSE_PAPERS = CLOSE_PAPERS[USUAL]


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """Properties of the papers that differ between runs, in the order of the indexes.

    `open`: papers that may be matched. `batch`: ingest batch, compared with the batch a subscriber has seen through.
    `rank`: replaces the order by score, larger first.
    """

    announcement: I64
    trending: I32
    batch: I64 | None = None
    eligible: NDArray[np.bool_] | None = None
    rank: I64 | None = None


class SentPapers(NamedTuple):
    """Papers that were sent before: for each the position of its row in the request, and its number."""

    row: I64
    paper: I64


class EngineMatcher:
    """Compiled profiles joined with papers. Costly to build, cheap to call."""

    def __init__(self, store: ProfileStore, indexes: Sequence[PaperIndex], weights: Weights) -> None:
        self.store = store
        self.compiled, questions = store.compile()
        self.joined: JoinedPapers = join_papers(questions, indexes)
        self.impacts: Impacts = compute_impacts(self.joined, store.idf(weights), self.compiled, weights)

    def match(
        self,
        facts: PaperFacts,
        *,
        rows: Sequence[int] | None = None,
        taus: Sequence[int | None] | None = None,
        seen_through: Sequence[int] | None = None,
        sent: Sequence[Iterable[int]] | SentPapers | None = None,
        mode: int = CAPPED,
        most: int = 0,
        explain: bool = True,
        close: bool = True,
    ) -> MatchResults:
        """The papers that each row's profile gets, best first.

        `taus`, `seen` and `sent` are parallel to the rows; a τ of None means that there is no threshold yet.

        `mode`: under the profile's caps, ALL without them, or RANKED: the `most` first by the facts' rank. Without
        `close` nobody gets close matches.
        """
        ask = self._ask(facts, rows, taus, seen_through, sent)
        day = self._day(facts)
        work = self._desk(day)
        work.s[MODE], work.s[RANKED_MOST], work.s[EXPLAIN], work.s[WITH_CLOSE] = mode, most, explain, close
        work.s[LARGEST] = day.papers["factor"].max()
        places = _room(len(ask.rows) - 1, len(day.by_tie))
        row = 0
        while (done := match_kernel.run(self.compiled, day, ask, work, places, row)) < len(ask.rows) - 1:
            row, places = done, _more_room(places)
        return MatchResults(places, self.store, self.joined)

    def thresholds(
        self, facts: PaperFacts, rows: Sequence[int] | None = None, *, close: int = USUAL_CLOSE_PAPERS
    ) -> list[int]:
        """τ of each row, such that `close` papers of these pass it: those of the 14 announcements before an epoch.

        Raises ValueError for a negative number.
        """
        if close < 0:
            raise ValueError("a threshold cannot let pass fewer than no papers")
        ask = self._ask(facts, rows, None, None, None)
        day = self._day(facts)
        match_kernel.thresholds(self.compiled, day, ask, self._desk(day, best=close + 1), close + 1)
        return [int(tau) for tau in ask.rows["tau"][:-1]]

    def _ask(
        self,
        facts: PaperFacts,
        rows: Sequence[int] | None,
        taus: Sequence[int | None] | None,
        seen: Sequence[int] | None,
        sent: Sequence[Iterable[int]] | SentPapers | None,
    ) -> Requests:
        number = len(self.compiled.record) if rows is None else len(rows)
        row, place = self._sent(sent)
        questions = np.zeros(number + 1, QUESTION)
        questions["row"][:-1] = np.arange(number) if rows is None else rows
        questions["tau"][:-1] = -1 if taus is None else np.array([-1 if tau is None else tau for tau in taus], np.int64)
        questions["sent_at"][1:] = np.cumsum(np.bincount(row, minlength=number))
        questions["fresh"][:-1], fresh = self._fresh(facts, seen)
        return Requests(questions, place, fresh)

    def _sent(self, sent: Sequence[Iterable[int]] | SentPapers | None) -> tuple[I64, I32]:
        """Row and position of each paper that was sent before and is among these papers, sorted by row."""
        if not isinstance(sent, SentPapers):
            pairs = [(row, paper) for row, papers in enumerate(sent or ()) for paper in papers]
            sent = SentPapers(*np.array(pairs, np.int64).reshape(-1, 2).T)
        paper_order, ids = self._by_number
        places = np.searchsorted(ids, sent.paper)
        here = np.append(ids, -1)[places] == sent.paper
        row, place = sent.row[here], paper_order[places[here]]
        by_row = np.argsort(row, kind="stable")
        return row[by_row], place[by_row].astype(np.int32)

    @cached_property
    def _by_number(self) -> tuple[I64, I64]:
        """The papers' positions in order of their numbers, and these numbers."""
        paper_order = np.argsort(self.joined.ids, kind="stable")
        return paper_order, self.joined.ids[paper_order]

    def _fresh(self, facts: PaperFacts, seen: Sequence[int] | None) -> tuple[NDArray[np.int64] | int, I64]:
        """For each row the index of its set of eligible new papers, and these sets as bitsets."""
        eligible = ~self.joined.withdrawn if facts.eligible is None else facts.eligible & ~self.joined.withdrawn
        if seen is None or not len(seen):
            return 0, to_bitsets(eligible[None])
        batches = np.zeros(len(eligible), np.int64) if facts.batch is None else facts.batch
        batch_numbers = np.unique(batches)
        through, which = np.unique(np.searchsorted(batch_numbers, seen, side="right"), return_inverse=True)
        place = np.searchsorted(batch_numbers, batches)
        return which, to_bitsets(eligible & (place >= through[:, None]))

    def _day(self, facts: PaperFacts) -> PaperArrays:
        joined, weighed = self.joined, self.impacts
        paper_order = np.lexsort((-joined.ids, facts.announcement)).astype(np.int32)
        papers = np.zeros(len(paper_order) + 1, PAPER)
        papers["announcement"][:-1] = np.unique(facts.announcement, return_inverse=True)[1].reshape(-1)
        papers["factor"][:-1] = 1000 + LAMBDA * facts.trending.astype(np.int64)
        papers["tie"][paper_order] = np.arange(len(paper_order))
        papers["rank"][:-1] = 0 if facts.rank is None else facts.rank
        return PaperArrays(
            atom_at=joined.atom_at,
            atom_paper=joined.atom_paper,
            atom_set=joined.atom_set,
            sets=joined.sets,
            title_at=joined.title_at,
            title_paper=joined.title_paper,
            words=weighed.words,
            postings=weighed.postings,
            dense=weighed.dense,
            heads=weighed.heads,
            lift=weighed.lift,
            papers=papers,
            by_tie=paper_order,
            category=joined.category,
        )

    def _desk(self, day: PaperArrays, *, best: int = 0) -> Workspace:
        """The kernel's workspace. Serials begin at 1, so a zero stamp belongs to no profile.

        `best`: how many relevances are kept in order; the kernel writes without bounds checks.
        """
        papers, wide = len(day.papers), self.store.widest + 1
        words = day.sets.shape[1]
        days = int(day.papers["announcement"].max()) + 1
        s = np.zeros(32, np.int64)
        s[TOGETHER] = 0xFFFF // max(1, int(day.words["most"].max()))
        return Workspace(
            s=s,
            plain=np.zeros((2, wide), np.int32),
            liked=np.zeros((2, wide), np.int32),
            rows=np.zeros((2, wide), np.int32),
            batch=np.zeros(REASONS_BATCH, np.int32),
            topic_holds=np.zeros(MOST_TOPICS, np.int64),
            place=np.full(64 * words, -1, np.int32),
            gains=np.zeros((wide, REASONS_BATCH), np.int32),
            phrase_gains=np.zeros((MOST_TOPICS, REASONS_BATCH), np.int32),
            gain=np.zeros((MOST_TOPICS, REASONS_BATCH), np.int32),
            found_in=np.zeros(wide, np.int64),
            sums=np.zeros(64 * words, np.int32),
            lifts=np.zeros(64 * words, np.int32),
            sets=np.zeros((STACK + self.compiled.deepest, words), np.int64),
            of_topic=np.zeros((MOST_TOPICS + 1, words), np.int64),
            of_key=np.zeros((wide, words), np.int64),
            wants=np.zeros(wide, np.int32),
            close_papers=np.zeros(papers, np.int32),
            best=np.zeros(max(papers, best) + 1, np.int64),
            titles=np.zeros(papers, np.int64),
            days=np.zeros(4 * days, WORK_DAY),
            topics=np.zeros(MOST_TOPICS + 1, WORK_TOPIC),
        )


def build_matcher(profiles: Iterable[Profile], indexes: Sequence[PaperIndex], weights: Weights) -> EngineMatcher:
    """A matcher for these profiles, in their order."""
    store = ProfileStore()
    for profile in profiles:
        store.add(profile)
    return EngineMatcher(store, indexes, weights)


def _room(rows: int, papers: int) -> MatchArrays:
    """Empty result arrays. Pages that are never written to take no memory."""
    papers = max(papers, 16 * rows, 1024)
    return MatchArrays(np.zeros(rows + 1, ANSWER), np.empty(papers, HIT), np.empty(16 * papers, np.uint8))


def _more_room(places: MatchArrays) -> MatchArrays:
    return MatchArrays(places.rows, _doubled(places.papers), _doubled(places.notes))


def _doubled(old: NDArray[Any]) -> NDArray[Any]:
    new = np.empty(2 * len(old), old.dtype)
    new[: len(old)] = old
    return new
