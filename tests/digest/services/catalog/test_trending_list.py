"""The public list of what rises: papers with signals first; on their first day new ones without votes may follow."""

from __future__ import annotations

from datetime import timedelta

from digest.services.catalog import trending_list
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, paper, utc

pytestmark = MAINLY_SQLITE


def announced(lab: Lab) -> None:
    lab.set_time(utc(MONDAY, 12))
    lab.store(
        MONDAY,
        paper(1, "Nothing speaks for this", authors=("Ada Byron",) * 9),
        paper(2, "A place is known", institutions=("Analytical Society",)),
        paper(3, "Code is there", code_url="https://github.com/a/b", has_code=True),
        paper(4, "One vote", signals={"upvotes": 1.0}),
        paper(5, "Code elsewhere", has_code=True, categories=("math.CO",)),
    )


def test_before_votes_content_orders_what_follows_the_papers_with_signals(lab: Lab) -> None:
    announced(lab)
    listed_papers = trending_list.current_trending("cs.LG", 10)

    assert [row.record.title for row in listed_papers] == ["One vote", "Code is there", "A place is known"]
    assert [row.trend.facts for row in listed_papers[1:]] == ["no votes yet; code", "no votes yet; known institution"]


def test_the_list_is_no_longer_than_requested(lab: Lab) -> None:
    announced(lab)

    assert [row.record.title for row in trending_list.current_trending(None, 2)] == ["One vote", "Code is there"]


def test_after_a_day_votes_alone_decide(lab: Lab) -> None:
    announced(lab)
    lab.set_time(utc(MONDAY, 12) + timedelta(days=1))

    assert [row.record.title for row in trending_list.current_trending(None, 10)] == ["One vote"]
