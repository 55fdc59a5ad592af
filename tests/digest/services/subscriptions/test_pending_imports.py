"""Papers of the start page are kept for a day and within bounds; the oldest give way."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from digest.db.subscribers import pending_imports as store
from digest.errors import BadInput
from digest.services.subscriptions.example_papers import MAX_EXAMPLES, ExampleEntry, add_examples, list_examples
from digest.services.subscriptions.pending_imports import bounded_papers, keep_import, pending_papers
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import Lab
from tests.digest.services.stored_rows import add_subscriber


def keep(title: str) -> str:
    return keep_import(bounded_papers([ExampleEntry(title)]))


def remaining_tokens(tokens: list[str]) -> list[str]:
    """The titles of those imports that are still kept."""
    titles = []
    for token in tokens:
        try:
            titles += [example.title for example in pending_papers(token).examples]
        except BadInput:
            titles.append("")
    return titles


def keep_one_after_the_other(lab: Lab, count: int) -> list[str]:
    tokens = []
    with time_machine.travel("2025-11-17T06:00:00Z", tick=False) as traveller:
        for number in range(count):
            tokens.append(keep(f"Paper {number}"))
            traveller.shift(timedelta(seconds=1))
    return tokens


def test_of_too_many_imports_the_oldest_give_way(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_IMPORTS", 3)

    assert remaining_tokens(keep_one_after_the_other(lab, 5)) == ["", "", "Paper 2", "Paper 3", "Paper 4"]


def test_of_too_large_imports_the_oldest_give_way(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_BYTES", 200)
    titles = remaining_tokens(keep_one_after_the_other(lab, 8))

    assert titles[0] == ""
    assert titles[-1] == "Paper 7"
    assert titles == sorted(titles)


def test_an_import_is_kept_for_a_day(lab: Lab) -> None:
    with time_machine.travel("2025-11-17T06:00:00Z", tick=False) as traveller:
        token = keep("Paper")
        traveller.shift(timedelta(hours=23))
        on_the_same_day = remaining_tokens([token])
        traveller.shift(timedelta(hours=2))

        assert (on_the_same_day, remaining_tokens([token])) == (["Paper"], [""])


@MAINLY_SQLITE
def test_of_more_than_five_thousand_papers_the_last_are_left_out(lab: Lab) -> None:
    number = add_subscriber("ada@one.example")
    result = add_examples(number, [ExampleEntry(f"Paper number {n}") for n in range(MAX_EXAMPLES + 7)])
    titles = [example.title for example in list_examples(number)]

    assert (result.added, result.over_limit) == (MAX_EXAMPLES, 7)
    assert (titles[0], titles[-1]) == ("Paper number 0", f"Paper number {MAX_EXAMPLES - 1}")
