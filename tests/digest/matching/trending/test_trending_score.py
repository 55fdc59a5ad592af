"""Trending scores grow with votes and fall with age; the line that is shown states facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.matching.trending import content_prior, trending_score
from digest.matching.trending.trending_score import (
    LIKELY_PROBABILITY,
    Signals,
    expected_votes,
    explain,
    likely_to_trend,
    percentiles,
    rank_strength,
    strength,
)

VOTES = st.integers(0, 10**6)
HOURS = st.floats(0, 10_000)
VALUES = st.dictionaries(st.integers(0, 50), st.tuples(st.sampled_from("abc"), st.floats(0, 1e6)), min_size=1)


@given(VOTES, HOURS)
def test_one_more_vote_never_lowers_the_score(votes: int, hours: float) -> None:
    assert expected_votes(votes + 1, hours) >= expected_votes(votes, hours) >= 0


@given(VOTES, HOURS, HOURS)
def test_an_older_paper_never_gains_more_by_the_same_votes(votes: int, age: float, other: float) -> None:
    assert expected_votes(votes, max(age, other)) <= expected_votes(votes, min(age, other))


def test_the_first_six_hours_count_as_six() -> None:
    assert expected_votes(9, 0) == expected_votes(9, 6) == pytest.approx(10 * (5**0.33 - 1))


@given(st.integers(0, 10**5), st.integers(0, 10**5), st.floats(0, 10_000))
def test_one_more_vote_or_star_never_lowers_the_badge(votes: int, stars: int, days: float) -> None:
    p = likely_to_trend(votes, stars, days)

    assert 0 <= p <= min(likely_to_trend(votes + 1, stars, days), likely_to_trend(votes, stars + 1, days)) <= 1


def test_the_badge_is_for_few() -> None:
    assert likely_to_trend(41, 120, 1.0) > LIKELY_PROBABILITY > likely_to_trend(3, 0, 1.0)


@given(st.integers(1, 10**4), st.integers(1, 10**4))
def test_a_later_place_is_never_stronger(rank: int, other: int) -> None:
    assert rank_strength(max(rank, other)) <= rank_strength(min(rank, other)) <= 1


def test_without_a_signal_strength_is_unknown() -> None:
    assert strength(Signals(hours=3, stars=10)) is None


def test_where_there_are_no_votes_the_rank_decides() -> None:
    ranks = [strength(Signals(rank=rank, ranked=213)) or 0 for rank in (1, 2, 213)]

    assert ranks == sorted(ranks, reverse=True)


@given(VALUES)
def test_a_percentile_keeps_the_order_of_its_field(values: dict[int, tuple[str, float]]) -> None:
    percentile_by_paper = percentiles(values)

    assert all(0 <= place <= 100 for place in percentile_by_paper.values())
    assert all(
        percentile_by_paper[a] <= percentile_by_paper[b]
        for a in values
        for b in values
        if values[a][0] == values[b][0] and values[a][1] <= values[b][1]
    )


@given(VALUES, st.data())
def test_a_gain_never_lowers_ones_percentile(values: dict[int, tuple[str, float]], data: st.DataObject) -> None:
    paper = data.draw(st.sampled_from(sorted(values)))
    kind, value = values[paper]

    assert percentiles(values | {paper: (kind, value * 2 + 1)})[paper] >= percentiles(values)[paper]


@pytest.mark.parametrize(
    ("signals", "line"),
    [
        (
            Signals(hours=10, votes=41, place=2, listed=28, code=True, stars=120),
            "41 votes 10 h after listing, 2nd of 28 listed today; code, 120 stars",
        ),
        (Signals(rank=3, ranked=213), "3rd of 213 on today's trending page"),
        (Signals(rank=11), "11th on today's trending page"),
        (Signals(rank=2, hours=30), "2nd on yesterday's trending page"),
        (Signals(rank=2, hours=80), "2nd on the trending page of 3 days ago"),
        (Signals(hours=1, votes=2), "2 votes 1 h after listing"),
        (Signals(hours=1, votes=1, place=20, listed=60), ""),
        (Signals(hours=30, votes=1, rank=3), "3rd on yesterday's trending page"),
        (Signals(hours=30, votes=9, gained=1, stars=4, comments=1, code=True), "9 votes 30 h after listing; code"),
        (Signals(hours=60, votes=59, gained=18), "59 votes 2 days after listing, +18 since yesterday"),
        (Signals(hours=30, votes=5, place=21, listed=30), "5 votes 30 h after listing, 21st of 30 listed that day"),
        (Signals(code=True, stars=1200), "code, 1,200 stars"),
        (Signals(votes=0, hours=2, stars=0), ""),
        (Signals(hours=5, votes=41, stars=120, age=1), "41 votes 5 h after listing; 120 stars, likely to trend"),
        (Signals(hours=5, votes=41, stars=120, age=1, rank=4), "41 votes 5 h after listing; 120 stars"),
        (Signals(hours=5, votes=2, stars=5, age=1), "2 votes 5 h after listing; 5 stars"),
        (Signals(), ""),
    ],
)
def test_the_reason_is_facts(signals: Signals, line: str) -> None:
    assert explain(signals) == line


def test_bars_grow_with_the_votes() -> None:
    assert trending_score.sparkline([1, 4, 20, 41]) == "▁▁▄█"


@pytest.mark.parametrize("values", [[], [1], [1, 41], [5, 5, 5], [0, 0, 0]])
def test_what_did_not_grow_has_no_bars(values: list[float]) -> None:
    assert trending_score.sparkline(values) == ""


@given(st.lists(st.floats(0, 1e9), max_size=40))
def test_bars_are_few_and_the_highest_is_full(values: list[float]) -> None:
    bars = trending_score.sparkline(values)

    assert len(bars) <= trending_score.SPARKLINE_POINTS
    assert not bars or "█" in bars


def test_before_votes_the_reason_is_facts_of_the_paper_and_many_authors_are_none() -> None:
    lines = [
        content_prior.describe_content(content)
        for content in (
            content_prior.PaperProperties(code=True, organisation=True, authors=3),
            content_prior.PaperProperties(authors=40),
        )
    ]

    assert lines == ["no votes yet; code, known institution", ""]
