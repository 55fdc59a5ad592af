"""Searching what a subscriber was sent, and what a search shares with the topics of an edition, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.db.papers import paper_search
from digest.services.search.paper_search import RESULTS_PER_PAGE, search
from digest.services.search.search_indexing import IndexingResult, index_papers
from digest.services.search.search_schemas import BEST, ORDERS, SearchHit, SearchRequest
from tests.digest.services.conftest import MONDAY, Lab
from tests.servers import MailServer


def _titles(text: str, **more: object) -> set[str]:
    return {hit.row.title for hit in search(SearchRequest(text, limit=RESULTS_PER_PAGE), **more).hits}  # type: ignore[arg-type]


def test_what_i_was_sent_is_searched_alone(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "graph neural networks")
    lab.subscribe("bob", "protein design")
    lab.announce(MONDAY, "Graph neural networks for traffic", "Protein design by graph transformers")
    lab.run(MONDAY)
    index_papers()
    ada, bob = (lab.subscriber(name).id for name in ("ada", "bob"))

    assert _titles("graph") == {"Graph neural networks for traffic", "Protein design by graph transformers"}
    assert _titles("graph", sent_to=ada) == {"Graph neural networks for traffic"}
    assert _titles("graph", sent_to=bob) == {"Protein design by graph transformers"}
    assert _titles("protein", sent_to=ada) == set()


def test_the_best_match_has_the_score_that_the_edition_has(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "graph neural networks")
    lab.announce(MONDAY, "Graph neural networks for traffic", "A survey of graph neural networks", "Dark matter")
    lab.run(MONDAY)
    index_papers()
    hits = search(SearchRequest("graph neural networks", order=BEST, limit=RESULTS_PER_PAGE)).hits
    in_edition = [(entry.paper, entry.score) for entry in lab.entries("ada", MONDAY)]

    assert [(hit.row.id, hit.score) for hit in hits] == in_edition


def test_indexing_again_adds_nothing_and_little_time_leaves_the_rest(lab: Lab) -> None:
    lab.announce(MONDAY, *(f"Graphs and trees, part {n}" for n in range(5)))

    assert index_papers(seconds=0).papers == 5
    assert index_papers() == IndexingResult()


def _all_pages(text: str, order: str) -> list[SearchHit]:
    hits: list[SearchHit] = []
    cursor = ""
    while True:
        page = search(SearchRequest(text, order, cursor=cursor, limit=2))
        hits += page.hits
        cursor = page.cursor
        if not cursor:
            return hits


@pytest.mark.parametrize("order", ORDERS)
def test_papers_of_all_weeks_are_found_though_the_newest_weeks_are_searched_first(
    lab: Lab, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper_search, "_SMALLEST_WINDOW", 8)
    days = [MONDAY - timedelta(weeks=number) for number in range(12)]
    for number, day in reversed(list(enumerate(days))):
        rare_titles = ["Trees of graphs"] if number % 5 == 4 else []
        lab.announce(day, *(f"Graphs of kind {number}, part {part}" for part in range(3)), *rare_titles)
    index_papers()

    assert len(_all_pages("graphs", order)) == 38
    assert [hit.day for hit in _all_pages("trees", order)] == [days[4], days[9]]
