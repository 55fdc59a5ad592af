"""Whether thresholds keep what they promise: close papers a day after the 14 announcements that set them.

`python -m tests.benchmarks.promise SHARED [--profiles N]`. Many profiles before real announcement days; each epoch
sets word counts and all thresholds, and is followed for the next announcements.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine import index_counts
from digest.matching.engine.engine_matcher import USUAL_CLOSE_PAPERS, EngineMatcher, PaperFacts
from digest.matching.engine.paper_index import PaperIndex, build_index
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.scoring.bm25 import Weights
from digest.papers import Record
from tests.benchmarks import crowd
from tests.benchmarks.relevance import announced

DAYS = 14  # that set a threshold, and that it is followed for
WEEK, MANY = 5, 6
COLUMNS = (
    "epoch", "papers a day", "close before", "week after", "2 weeks after", "9 of 10 below", "worst profile",
    "> 6 a day",    "a million's τ",
)  # fmt: skip


def days(shared: Path) -> Iterator[list[Record]]:
    """Papers by announcement, in order."""
    by_day: dict[str, list[Record]] = {}
    for row in announced(shared):
        record = Record(row["title"], row["abstract"], categories=tuple(row["categories"] or ()))
        by_day.setdefault(row["announced"], []).append(record)
    for day in sorted(by_day):
        yield by_day[day]


def indexes(records_by_day: Sequence[Sequence[Record]]) -> Iterator[PaperIndex]:
    """An index of each day, papers numbered through."""
    first = 0
    for papers in records_by_day:
        yield build_index(enumerate(papers, first))
        first += len(papers)


def close(store: ProfileStore, index: Sequence[PaperIndex], weights: Weights, taus: Sequence[int]) -> NDArray[np.int64]:
    """How many close papers each profile has in each of the days: profiles × days, without caps."""
    differences = []
    for day in index:
        matcher, facts = EngineMatcher(store, [day], weights), _facts([day])
        totals = matcher.match(facts, taus=taus, explain=False).arrays.rows["total"][:-1]
        sure = matcher.match(facts, explain=False, close=False).arrays.rows["total"][:-1]
        differences.append(totals - sure)
    return np.array(differences, np.int64).T


def _facts(index: Sequence[PaperIndex]) -> PaperFacts:
    size = [paper_index.paper_count for paper_index in index]
    return PaperFacts(np.repeat(np.arange(len(size)), size), np.zeros(sum(size), np.int32))


def main() -> None:
    """Print a table: for each epoch what was promised, and what came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--profiles", type=int, default=2000)
    options = parser.parse_args()
    real = list(days(options.shared))
    all_records = [record for papers in real for record in papers]
    store = ProfileStore()
    for profile in crowd.ProfileMaker(crowd.phrases(all_records), all_records).profiles(options.profiles):
        store.add(replace(profile, authors=()))
    index = list(indexes(real))
    average = len(all_records) / len(index)
    print(f"{options.profiles} profiles, {len(index)} announcements of {average:.0f} papers on average;")
    print(f"promised: {USUAL_CLOSE_PAPERS / DAYS:.1f} close papers a day at most (fewer where the floor is higher)\n")
    print("".join(f"{name:>15}" for name in COLUMNS))
    for start in range(DAYS, len(index) - DAYS + 1, DAYS):
        _epoch(store, index, start)


def _epoch(store: ProfileStore, index: Sequence[PaperIndex], start: int) -> None:
    before, after = index[start - DAYS : start], index[start : start + DAYS]
    weights = Weights(index_counts.count(before, announcements=DAYS))
    matcher = EngineMatcher(store, before, weights)
    started = process_time()
    taus = matcher.thresholds(_facts(before))
    microseconds = (process_time() - started) * 1e6 / len(taus)
    close_before, close_after = close(store, before, weights, taus), close(store, after, weights, taus)
    close_by_profile = close_after.mean(axis=1)
    sizes = [np.mean([paper_index.paper_count for paper_index in part]) for part in (before, after)]
    figures = (
        close_before.mean(),
        close_after[:, :WEEK].mean(),
        close_after.mean(),
        np.quantile(close_by_profile, 0.9),
        close_by_profile.max(),
    )
    cells = [
        str(start),
        f"{sizes[0]:.0f} → {sizes[1]:.0f}",
        *(f"{figure:.2f}" for figure in figures),
        f"{(close_by_profile > MANY).mean():.1%}",
    ]
    print("".join(f"{cell:>15}" for cell in [str(start), *cells, f"{microseconds:.0f} s"]), flush=True)


if __name__ == "__main__":
    main()
