"""Searching what a subscriber was sent, and what a search shares with the topics of an edition, on both databases."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from digest.db.papers import paper_search as index
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from digest.services.search.paper_search import RESULTS_PER_PAGE, search
from digest.services.search.search_indexing import IndexingResult, index_papers
from digest.services.search.search_schemas import BEST, SearchPage, SearchRequest
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


def _store(day: date, *records: Record) -> None:
    store_document("arxiv", f"test {day}", ParsedDocument(tuple(ListedPaper(r, "new") for r in records)), day=day)


def _store_graphs(days: int) -> None:
    """Four papers a day, of which those of odd numbers are about graphs. Days are stored in a changed order."""
    for number in sorted(range(days), key=lambda number: (number % 3, number)):
        records = [
            Record(f"{('Trees', 'Graphs')[n % 2]}, part {n}", "", arxiv_id=f"25{number:02d}.{n:05d}") for n in range(4)
        ]
        _store(MONDAY - timedelta(days=number), *records)
    index_papers()


def _pages(text: str, **more: object) -> list[SearchPage]:
    pages, cursor = [], ""
    while not pages or cursor:
        pages.append(search(SearchRequest(text, cursor=cursor, limit=3, **more)))  # type: ignore[arg-type]
        cursor = pages[-1].cursor
    return pages


@pytest.mark.parametrize("window", [1, 4, 7, 10_000])
def test_pages_go_on_behind_the_papers_that_are_read_at_first(
    database: str, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(index, "_WINDOW", window)
    monkeypatch.setattr(index, "MAX_FOUND", 5)
    _store_graphs(days=8)
    pages = _pages("graphs")
    positions = [(hit.day, hit.row.id) for page in pages for hit in page.hits]

    assert len(positions) == 16
    assert positions == sorted(set(positions), reverse=True)
    assert {(page.total, page.is_minimum) for page in pages} == {(5, True)}
    assert {sum(page.facets.periods) for page in pages} == {5}


def test_the_best_are_among_the_newest_papers(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_FOUND", 5)
    _store_graphs(days=8)
    pages = _pages("graphs", order=BEST)

    assert [hit.day for page in pages for hit in page.hits] == [MONDAY - timedelta(days=n // 2) for n in range(5)]
    assert all(page.is_ranked_in_part for page in pages)


def test_an_author_is_found_by_the_given_name(database: str) -> None:
    authors = ("Wei Wang", "Wen Wang", "W. Wang", "Ada Lovelace")
    _store(MONDAY, *(Record(f"Graphs {n}", "", arxiv_id=f"2501.{n:05d}", authors=(a,)) for n, a in enumerate(authors)))
    index_papers()

    assert _titles('au:"Wei Wang"') == {"Graphs 0", "Graphs 2"}
    assert _titles('au:"Wei Wang" AND graphs ANDNOT "graphs 2"') == {"Graphs 0"}
    assert _titles('au:"Wei Wang" OR au:Lovelace') == {"Graphs 0", "Graphs 2", "Graphs 3"}
