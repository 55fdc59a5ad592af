"""The public list of what rises: papers with signals first; on their first day new ones without votes may follow."""

from __future__ import annotations

from datetime import timedelta

from digest.services import trending
from tests.digest.services.conftest import MONDAY, Lab, at, paper


def announced(lab: Lab) -> None:
    lab.go_to(at(MONDAY, 12))
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
    found = trending.now("cs.LG", 10)

    assert [one.record.title for one in found] == ["One vote", "Code is there", "A place is known"]
    assert [one.trend.facts for one in found[1:]] == ["no votes yet; code", "no votes yet; known institution"]


def test_the_list_is_no_longer_than_asked_for(lab: Lab) -> None:
    announced(lab)

    assert [one.record.title for one in trending.now(None, 2)] == ["One vote", "Code is there"]


def test_after_a_day_votes_alone_decide(lab: Lab) -> None:
    announced(lab)
    lab.go_to(at(MONDAY, 12) + timedelta(days=1))

    assert [one.record.title for one in trending.now(None, 10)] == ["One vote"]
