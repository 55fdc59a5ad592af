"""Searching what a subscriber was sent, and what a search shares with the topics of an edition, on both databases."""

from __future__ import annotations

from digest.services.search.paper_search import RESULTS_PER_PAGE, search
from digest.services.search.search_indexing import IndexingResult, index_papers
from digest.services.search.search_schemas import BEST, SearchRequest
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
