"""Records that the trending benchmark scores: both names of a column, and no ranks where they give the answer away."""

from __future__ import annotations

from typing import Any

import pytest

from digest.matching.trending.trending_score import likely_to_trend
from tests.benchmarks import trending

LISTED = "2025-11-17T00:00:00Z"


def paper(number: int, **columns: Any) -> dict[str, Any]:
    observations = [["2025-11-17T12:00:00Z", 5, 0]]
    return {"id": str(number), "listed_at": LISTED, "published_at": LISTED, "observations": observations, **columns}


def record(task: str, *papers: dict[str, Any]) -> dict[str, Any]:
    return {"task": task, "date": "2025-11-17", "papers": list(papers)}


@pytest.mark.parametrize(("column", "other"), [("organisation", "organization"), ("project", "project_page")])
def test_a_column_is_read_by_either_name(column: str, other: str) -> None:
    unvoted = paper(2, observations=[])
    first = trending.forecast_scores(record("growth", {**unvoted, "id": "1", column: "Known"}, unvoted))
    second = trending.forecast_scores(record("growth", {**unvoted, "id": "1", other: "Known"}, unvoted))

    assert first == second
    assert first[0] > first[1]


def test_a_paper_is_named_by_either_column() -> None:
    unnamed = {key: value for key, value in paper(1).items() if key != "id"}

    assert trending.readable(record("growth", {**unnamed, "paper": "7"}))["papers"][0]["id"] == "7"


@pytest.mark.parametrize("task", ["growth", "A", "enter", "C"])
def test_ranks_are_ignored_where_the_task_must_not_know_them(task: str) -> None:
    ranks = [["2025-11-18T12:00:00Z", 1]]
    with_ranks, without_ranks = (record(task, paper(1, rank_history=history), paper(2)) for history in (ranks, []))

    assert trending.forecast_scores(with_ranks) == trending.forecast_scores(without_ranks)


def test_ranks_order_the_tasks_that_know_them() -> None:
    ranked = [paper(n, rank_history=[["2025-11-17T12:00:00Z", n]]) for n in (1, 2)]
    scores = trending.forecast_scores(record("next1", *ranked))

    assert scores[0] > scores[1]


@pytest.mark.parametrize("task", ["growth", "next1"])
def test_the_service_is_measured_by_its_own_order(task: str) -> None:
    counts = [["2025-11-17T12:00:00Z", 41, 0]]
    papers = [paper(1), paper(2, observations=counts), paper(3, observations=[]), paper(4, observations=[], code=True)]
    scores = dict(zip("1234", trending.service_scores(record(task, *papers)), strict=True))

    assert sorted(scores, key=lambda number: -scores[number]) == ["2", "1", "4", "3"]


def test_the_badge_of_the_service_is_measured_by_its_probability() -> None:
    now_starred = [["2025-11-17T12:00:00Z", 41, 120]]
    score = trending.service_scores(record("enter", paper(1, observations=now_starred)))

    assert score == [likely_to_trend(41, 120, 1.0)]
