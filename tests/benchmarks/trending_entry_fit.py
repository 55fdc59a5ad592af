"""Fits the log-odds of entering the trending list, and compares them with the formula before.

    python -m tests.benchmarks.trending_entry_fit SHARED

A logistic regression with ridge 10 on standardised properties, for papers that were not on the list when they were
listed. The days before the first snapshot of the list have a weaker answer: whether a paper is on it then. Printed are
the coefficients fitted on the days before `HELD_OUT_FROM`, nDCG@10 on the days from then on, and the same for each day
by coefficients fitted on all others.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digest.matching.trending import content_prior
from tests.benchmarks import trending

Array = NDArray[np.float64]
Coefficients = tuple[float, Array]  # intercept, and a factor for each property

HELD_OUT_FROM = "2026-06-03"
EARLIER_DAYS = 12  # days before the first snapshot
RIDGE = 10.0
STEPS = 50  # of Newton's method, which needs about 8
STARS_LIMIT = 100
PROPERTIES = ("ln(1+votes)", "ln(1+stars), limited", "ln(days)", "code + project page")


def main() -> None:
    """Print the coefficients and the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    days = list(entry_days(parser.parse_args().shared / "data"))
    earlier = [day for day in days if day["date"] < HELD_OUT_FROM]
    intercept, factors = fit(earlier)
    print(f"fitted on {len(earlier)} days, {sum(len(day['papers']) for day in earlier)} papers: {intercept:.2f}")
    for name, factor in zip(PROPERTIES, factors, strict=True):
        print(f"  {factor:+.2f} {name}")
    compare("held out", [day for day in days if day["date"] >= HELD_OUT_FROM], lambda _: (intercept, factors))
    compare("each day by the others", days, lambda day: fit([other for other in days if other is not day]))


def entry_days(data: Path) -> Iterator[trending.Record]:
    """Days with an entrant: those before the first snapshot, then those of the benchmark."""
    daily = {row["id"]: row for row in trending.daily_rows(data)}
    ranks = trending.ranks_by_day(data)
    first = min(ranks)
    for days_back in range(EARLIER_DAYS, 0, -1):
        day = (date.fromisoformat(first) - timedelta(days=days_back)).isoformat()
        rows = {paper: row for paper, row in daily.items() if row["day"] == day}
        if any(paper in ranks[first] for paper in rows):
            papers = [trending.archived_paper(row) for row in rows.values()]
            yield {"date": day, "papers": papers, "truth": {paper: int(paper in ranks[first]) for paper in rows}}
    entry_records = (record for record in trending.records(data) if record["task"] == "enter")
    yield from (record for record in entry_records if any(record["truth"].values()))


def properties(day: trending.Record) -> Array:
    """A row for each paper, a column for each of `PROPERTIES`."""
    return np.array([_properties(paper, day) for paper in day["papers"]])


def fit(days: Sequence[trending.Record]) -> Coefficients:
    """Ridge logistic regression by Newton's method."""
    rows = np.concatenate([properties(day) for day in days])
    answers = np.array([float(day["truth"][paper["id"]]) for day in days for paper in day["papers"]])
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    design = np.column_stack([np.ones(len(rows)), (rows - mean) / deviation])
    penalty = RIDGE * np.eye(design.shape[1])
    penalty[0, 0] = 0
    solution = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-design @ solution))
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        solution = solution + np.linalg.solve(curvature, design.T @ (answers - chance) - penalty @ solution)
    factors = solution[1:] / deviation
    return float(solution[0] - factors @ mean), factors


def compare(
    name: str, days: Sequence[trending.Record], coefficients_for: Callable[[trending.Record], Coefficients]
) -> None:
    """Print nDCG@10 by the fitted coefficients, by the formula before and by votes, and the differences a day."""
    fitted = [_grade(day, properties(day) @ coefficients_for(day)[1]) for day in days]
    print(f"\n{name}: {len(days)} days")
    for rule, grades in (
        ("fitted", fitted),
        ("forecast", [_grade(day, trending.forecast_scores({**day, "task": "enter"})) for day in days]),
        ("service", [_grade(day, trending.service_scores({**day, "task": "enter"})) for day in days]),
        ("formula before", [_grade(day, _formula_before(day)) for day in days]),
        ("votes", [_grade(day, properties(day)[:, 0]) for day in days]),
    ):
        mean, low, high = trending.interval([mine - other for mine, other in zip(fitted, grades, strict=True)])
        print(f"  {rule:<15} nDCG@10 {np.mean(grades):.3f}   fitted − this {mean:+.3f} [{low:+.3f}, {high:+.3f}]")


def _properties(paper: trending.Paper, day: trending.Record) -> list[float]:
    votes, stars, days, content = trending.entry_signals(paper, day)
    limited_stars = stars / (1 + stars / STARS_LIMIT)
    return [math.log1p(votes), math.log1p(limited_stars), math.log(days), float(content.code + content.project)]


def _formula_before(day: trending.Record) -> list[float]:
    """0.56·ln(1+votes) + 0.76·ln(1+stars) − 0.68·ln(days) + all of the content prior."""
    scores = []
    for paper in day["papers"]:
        votes, stars, days, content = trending.entry_signals(paper, day)
        counts = 0.56 * math.log1p(votes) + 0.76 * math.log1p(stars)
        scores.append(counts - 0.68 * math.log(days) + content_prior.content_prior(content))
    return scores


def _grade(day: trending.Record, scores: Sequence[float] | Array) -> float:
    grade = trending.grade(day, list(scores))
    if grade is None:
        raise ValueError(f"{day['date']}: no entrant")
    return grade


if __name__ == "__main__":
    main()
