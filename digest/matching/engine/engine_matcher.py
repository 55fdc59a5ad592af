"""The matching engine: the same results as the reference matcher, for many profiles at once.

Papers are indexed once (`paper_index.build`), joined with the compiled profiles (`join.join`), weighted by an epoch's
word counts (`impacts.weigh`), and can then be matched any number of times. Machine code is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine.context_sets import NearPapers
from digest.matching.engine.dense_rows import to_bitsets
from digest.matching.engine.impacts import Impacts, compute_impacts
from digest.matching.engine.join import JoinedIndex, PapersByPerson, join_papers
from digest.matching.engine.match_results import MatchResults
from digest.matching.engine.paper_index import PaperIndex
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.kernel import match_kernel
from digest.matching.kernel.array_layout import (
    HIT,
    I32,
    I64,
    MAX_TOPIC_BITS,
    PAPER,
    REASONS_BATCH,
    REQUEST,
    RESULT_ROW,
    WORK_DAY,
    WORK_TOPIC,
    MatchArrays,
    PaperArrays,
    RowRequests,
    Workspace,
)  # fmt: skip
from digest.matching.kernel.bitsets import STACK
from digest.matching.kernel.match_kernel import ALL, CAPPED, RANKED
from digest.matching.kernel.profile_decoding import (
    CLOSE_ENABLED,
    EXPLAIN,
    MAX_FACTOR,
    MAX_UNIT_ROWS,
    MODE,
    RANKED_LIMIT,
)
from digest.matching.profile import USUAL, Profile
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.parameters import CLOSE_PAPERS, TRENDING_PER_MILLE
from digest.matching.scoring.topic_context import PackedContext

__all__ = ["ALL", "CAPPED", "RANKED", "AdmittedPapers", "EngineMatcher", "PaperFacts", "SentPapers"]

USUAL_CLOSE_PAPERS = CLOSE_PAPERS[USUAL]


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """Properties of the papers that differ between runs, in the order of the indexes.

    `eligible`: papers that may be matched. `batch`: ingest batch, compared with the last one a subscriber has seen.
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


class AdmittedPapers(NamedTuple):
    """The papers that rows admit before matching: for each row the number of its set, and these sets as masks."""

    set_of_row: I64
    masks: NDArray[np.bool_]


class EngineMatcher:
    """Compiled profiles joined with papers. Costly to build, cheap to call.

    `people`: ids of the papers of each followed person, by the author's text in the profiles. `contexts`: by topic,
    in the epoch of the weights. `near`: shared by the matchers of these papers and weights; it needs no contexts of
    topics whose papers it has.
    """

    def __init__(
        self,
        store: ProfileStore,
        indexes: Sequence[PaperIndex],
        weights: Weights,
        people: PapersByPerson = MappingProxyType({}),
        contexts: Mapping[str, PackedContext] = MappingProxyType({}),
        near: NearPapers | None = None,
    ) -> None:
        self.store = store
        self.compiled, vocabulary = store.compile()
        self.joined: JoinedIndex = join_papers(vocabulary, indexes, people)
        self.impacts: Impacts = compute_impacts(self.joined, store.idf(weights), self.compiled, weights)
        near_papers = near or NearPapers(indexes, weights)
        self._near = near_papers.context_sets(store, contexts)

    def match(
        self,
        facts: PaperFacts,
        *,
        rows: Sequence[int] | None = None,
        taus: Sequence[int | None] | None = None,
        with_contexts: Sequence[bool] | None = None,
        seen_through: Sequence[int] | None = None,
        sent: Sequence[Iterable[int]] | SentPapers | None = None,
        mode: int = CAPPED,
        max_ranked: int = 0,
        explain: bool = True,
        close: bool = True,
        admitted: AdmittedPapers | None = None,
    ) -> MatchResults:
        """The papers that each row's profile gets, best first.

        `taus`, `with_contexts`, `seen_through` and `sent` are parallel to the rows; a τ of None means that there is no
        threshold yet. `with_contexts`: whose close papers need a context, by default all that have contexts.

        `mode`: CAPPED under the profile's caps, ALL without them, or RANKED: the first `max_ranked` by the facts' rank.
        Without `close` there are no close matches. `admitted`: None for all papers.
        """
        requests = self._requests(facts, rows, taus, seen_through, sent, admitted)
        requests.rows["with_contexts"][:-1] = True if with_contexts is None else with_contexts
        paper_arrays = self._paper_arrays(facts)
        workspace = self._workspace(paper_arrays)
        (
            workspace.scalars[MODE],
            workspace.scalars[RANKED_LIMIT],
            workspace.scalars[EXPLAIN],
            workspace.scalars[CLOSE_ENABLED],
        ) = mode, max_ranked, explain, close
        workspace.scalars[MAX_FACTOR] = paper_arrays.papers["factor"].max()
        results = _empty_results(len(requests.rows) - 1, len(paper_arrays.paper_of_tie))
        row = 0
        while (
            next_row := match_kernel.match_rows(self.compiled, paper_arrays, requests, workspace, results, row)
        ) < len(requests.rows) - 1:
            row, results = next_row, _double_capacity(results)
        return MatchResults(results, self.store, self.joined)

    def thresholds(
        self,
        facts: PaperFacts,
        rows: Sequence[int] | None = None,
        *,
        close: int = USUAL_CLOSE_PAPERS,
        admitted: AdmittedPapers | None = None,
    ) -> list[int]:
        """τ of each row, such that `close` papers pass it. `facts`: of the 14 announcements before an epoch.

        Raises ValueError for a negative number.
        """
        if close < 0:
            raise ValueError("the number of papers above a threshold cannot be negative")
        requests = self._requests(facts, rows, None, None, None, admitted)
        paper_arrays = self._paper_arrays(facts)
        match_kernel.thresholds(
            self.compiled, paper_arrays, requests, self._workspace(paper_arrays, best_count=close + 1), close + 1
        )
        return [int(tau) for tau in requests.rows["tau"][:-1]]

    def _requests(
        self,
        facts: PaperFacts,
        rows: Sequence[int] | None,
        taus: Sequence[int | None] | None,
        seen_through: Sequence[int] | None,
        sent: Sequence[Iterable[int]] | SentPapers | None,
        admitted: AdmittedPapers | None,
    ) -> RowRequests:
        count = len(self.compiled.record) if rows is None else len(rows)
        row, positions = self._sent_positions(sent)
        request_rows = np.zeros(count + 1, REQUEST)
        request_rows["row"][:-1] = np.arange(count) if rows is None else rows
        request_rows["tau"][:-1] = (
            -1 if taus is None else np.array([-1 if tau is None else tau for tau in taus], np.int64)
        )
        request_rows["sent_at"][1:] = np.cumsum(np.bincount(row, minlength=count))
        request_rows["eligible"][:-1], eligible_sets = self._eligible_sets(facts, seen_through, admitted)
        return RowRequests(request_rows, positions, eligible_sets)

    def _sent_positions(self, sent: Sequence[Iterable[int]] | SentPapers | None) -> tuple[I64, I32]:
        """Row and position of each paper that was sent before and is among these papers, sorted by row."""
        if not isinstance(sent, SentPapers):
            pairs = [(row, paper) for row, papers in enumerate(sent or ()) for paper in papers]
            sent = SentPapers(*np.array(pairs, np.int64).reshape(-1, 2).T)
        paper_order, ids = self._papers_by_id
        id_positions = np.searchsorted(ids, sent.paper)
        is_candidate = np.append(ids, -1)[id_positions] == sent.paper
        row, position = sent.row[is_candidate], paper_order[id_positions[is_candidate]]
        by_row = np.argsort(row, kind="stable")
        return row[by_row], position[by_row].astype(np.int32)

    @cached_property
    def _papers_by_id(self) -> tuple[I64, I64]:
        """The papers' positions in order of their numbers, and these numbers."""
        paper_order = np.argsort(self.joined.ids, kind="stable")
        return paper_order, self.joined.ids[paper_order]

    def _eligible_sets(
        self, facts: PaperFacts, seen_through: Sequence[int] | None, admitted: AdmittedPapers | None
    ) -> tuple[NDArray[np.int64] | int, I64]:
        """For each row the index of its set of eligible new papers, and these sets as bitsets."""
        eligible = ~self.joined.withdrawn if facts.eligible is None else facts.eligible & ~self.joined.withdrawn
        set_of_row: NDArray[np.int64] | int = 0
        masks = eligible[None]
        if seen_through is not None and len(seen_through):
            batches = np.zeros(len(eligible), np.int64) if facts.batch is None else facts.batch
            batch_numbers = np.unique(batches)
            first_new, set_of_row = np.unique(
                np.searchsorted(batch_numbers, seen_through, side="right"), return_inverse=True
            )
            batch_position = np.searchsorted(batch_numbers, batches)
            masks = eligible & (batch_position >= first_new[:, None])
        if admitted is not None and len(admitted.set_of_row):
            pairs = set_of_row * len(admitted.masks) + admitted.set_of_row
            used_pairs, set_of_row = np.unique(pairs, return_inverse=True)
            masks = masks[used_pairs // len(admitted.masks)] & admitted.masks[used_pairs % len(admitted.masks)]
        return set_of_row, to_bitsets(masks)

    def _paper_arrays(self, facts: PaperFacts) -> PaperArrays:
        joined, impacts = self.joined, self.impacts
        paper_order = np.lexsort((-joined.ids, facts.announcement)).astype(np.int32)
        papers = np.zeros(len(paper_order) + 1, PAPER)
        papers["announcement"][:-1] = np.unique(facts.announcement, return_inverse=True)[1].reshape(-1)
        papers["factor"][:-1] = 1000 + TRENDING_PER_MILLE * facts.trending.astype(np.int64)
        papers["tie"][paper_order] = np.arange(len(paper_order))
        papers["rank"][:-1] = 0 if facts.rank is None else facts.rank
        return PaperArrays(
            atom_at=joined.atom_at,
            atom_paper=joined.atom_paper,
            atom_set=joined.atom_set,
            sets=joined.sets,
            title_at=joined.title_at,
            title_paper=joined.title_paper,
            words=impacts.words,
            postings=impacts.postings,
            dense=impacts.dense,
            word_sets=impacts.word_sets,
            query_heads=impacts.heads,
            phrase_gain=impacts.phrase_gain,
            papers=papers,
            paper_of_tie=paper_order,
            category_sets=joined.category,
            near_row=self._near.row,
            near_sets=self._near.sets,
        )

    def _workspace(self, paper_arrays: PaperArrays, *, best_count: int = 0) -> Workspace:
        """The kernel's workspace. Serials begin at 1, so a zero stamp belongs to no profile.

        `best_count`: how many relevances are kept in order; the kernel writes without bounds checks.
        """
        papers, width = len(paper_arrays.papers), self.store.max_width + 1
        words = paper_arrays.sets.shape[1]
        days = int(paper_arrays.papers["announcement"].max()) + 1
        scalars = np.zeros(32, np.int64)
        scalars[MAX_UNIT_ROWS] = 0xFFFF // max(1, int(paper_arrays.words["max_impact"].max()))
        return Workspace(
            scalars=scalars,
            plain_words=np.zeros((2, width), np.int32),
            liked_words=np.zeros((2, width), np.int32),
            rows=np.zeros((2, width), np.int32),
            batch=np.zeros(REASONS_BATCH, np.int32),
            satisfied_in=np.zeros(MAX_TOPIC_BITS, np.int64),
            lane_of_paper=np.full(64 * words, -1, np.int32),
            key_gains=np.zeros((width, REASONS_BATCH), np.int32),
            phrase_gains=np.zeros((MAX_TOPIC_BITS, REASONS_BATCH), np.int32),
            topic_gains=np.zeros((MAX_TOPIC_BITS, REASONS_BATCH), np.int32),
            found_in=np.zeros(width, np.int64),
            sums=np.zeros(64 * words, np.int32),
            like_gains=np.zeros(64 * words, np.int32),
            example_gains=np.zeros(64 * words, np.int32),
            sets=np.zeros((STACK + self.compiled.stack_depth, words), np.int64),
            topic_sets=np.zeros((MAX_TOPIC_BITS + 1, words), np.int64),
            key_sets=np.zeros((width, words), np.int64),
            profile_term_of_key=np.zeros(width, np.int32),
            close_papers=np.zeros(papers, np.int32),
            best_keys=np.zeros(max(papers, best_count) + 1, np.int64),
            titles=np.zeros(papers, np.int64),
            title_sets=np.zeros((MAX_TOPIC_BITS, words), np.int64),
            close_by_day=np.zeros(4 * days, WORK_DAY),
            topics=np.zeros(MAX_TOPIC_BITS + 1, WORK_TOPIC),
        )


def build_matcher(
    profiles: Iterable[Profile],
    indexes: Sequence[PaperIndex],
    weights: Weights,
    contexts: Mapping[str, PackedContext] = MappingProxyType({}),
) -> EngineMatcher:
    """A matcher for these profiles, in their order."""
    store = ProfileStore()
    for profile in profiles:
        store.add(profile)
    return EngineMatcher(store, indexes, weights, contexts=contexts)


def _empty_results(rows: int, capacity: int) -> MatchArrays:
    """Empty result arrays. Pages that are never written to take no memory."""
    capacity = max(capacity, 16 * rows, 1024)
    return MatchArrays(np.zeros(rows + 1, RESULT_ROW), np.empty(capacity, HIT), np.empty(16 * capacity, np.uint8))


def _double_capacity(results: MatchArrays) -> MatchArrays:
    return MatchArrays(results.rows, _double_array(results.papers), _double_array(results.notes))


def _double_array(old: NDArray[Any]) -> NDArray[Any]:
    new = np.empty(2 * len(old), old.dtype)
    new[: len(old)] = old
    return new
