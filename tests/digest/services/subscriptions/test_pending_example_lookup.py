"""Papers of which only an identifier is known are looked up in the background, or at once on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import time_machine

from digest.errors import SourceDown
from digest.papers import ListedPaper, Record
from digest.services.security import signed_links
from digest.services.subscriptions import example_papers, pending_example_lookup
from digest.services.subscriptions.library_resolution import MAX_LOOKED_UP
from digest.services.subscriptions.update_preferences import account_of
from digest.sources import crossref
from digest.web.app import build
from digest.web.wiring import page_services
from tests.combinations import MAINLY_SQLITE
from tests.digest.bibliography.library_server import LibraryServer
from tests.digest.services.conftest import Lab
from tests.digest.services.subscriptions.lookup_server import (
    CROSSREF_DOI,
    DOI,
    KNOWN,
    MED_PREPRINT,
    MISSING,
    MISSING_PMID,
    PMID,
    PREPRINT,
    lookup_server,
    lookup_settings,
)
from tests.digest.web.conftest import Browser, RecordingQueue, path


@pytest.fixture
def sources(configured: Callable[..., None]) -> Iterator[LibraryServer]:
    with lookup_server() as server:
        configured(**lookup_settings(server))
        yield server


@pytest.fixture
def web(lab: Lab) -> Browser:
    """The pages of an installation with one subscriber."""
    lab.subscribe("ada", "offline reinforcement learning")
    return Browser(build(RecordingQueue(), page_services()))


@pytest.fixture
def pasted(web: Browser, sources: LibraryServer) -> Browser:
    """A subscriber has pasted one that arXiv knows, one that it doesn't, and a DOI."""
    text = f"{KNOWN}\n{MISSING}\nhttps://doi.org/{DOI}"
    web.post(path(signed_links.preferences(1)), data={"action": "import-papers", "library_text": text})
    return web


def page(web: Browser) -> str:
    return web.get(path(signed_links.preferences(1))).text


@MAINLY_SQLITE
def test_an_import_asks_no_source_and_says_that_papers_wait(pasted: Browser, sources: LibraryServer) -> None:
    assert sources.requests == []
    assert "3 of them are being looked up" in page(pasted)


def test_what_the_sources_know_finds_papers_from_then_on(pasted: Browser) -> None:
    result = pending_example_lookup.look_up_examples()
    profile = account_of(1).profile

    assert (result.looked_up, result.found_count, result.is_incomplete) == (3, 2, False)
    assert sorted(example.title for example in example_papers.list_examples(1) if not example.lookup) == [
        "Auction equilibria",
        f"Offline learning {KNOWN}",
    ]
    assert {"auction", "equilibria"} <= {term.written for term in profile.example_terms}


def test_identifiers_that_do_not_exist_are_named(pasted: Browser) -> None:
    pending_example_lookup.look_up_examples()

    assert f"1 of them could not be found by its identifier: {MISSING}" in " ".join(page(pasted).split())


def test_without_a_network_the_papers_wait_for_a_week(pasted: Browser, sources: LibraryServer) -> None:
    for route in ("/api/query", "/works"):
        sources.refuse(route, 404)
    with pytest.raises(SourceDown):
        pending_example_lookup.look_up_examples()
    waiting = page(pasted)
    with time_machine.travel("2027-06-01", tick=True), pytest.raises(SourceDown):
        pending_example_lookup.look_up_examples()

    assert "3 of them are being looked up" in waiting
    assert not pending_example_lookup.is_due()


def test_what_one_source_does_not_answer_waits_while_the_others_are_stored(
    pasted: Browser, sources: LibraryServer
) -> None:
    sources.refuse("/api/query", 404)
    result = pending_example_lookup.look_up_examples()

    assert (result.looked_up, result.found_count, result.is_incomplete) == (1, 1, False)
    assert "2 of them are being looked up" in page(pasted)


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"https://doi.org/{PREPRINT}v1", "Mice choose well"),
        (f"https://www.medrxiv.org/content/{MED_PREPRINT}v2.full", "Wards under pressure"),
        (f"https://pubmed.ncbi.nlm.nih.gov/{PMID.removeprefix('PMID:')}/", "Salmon migrate upstream"),
        (PMID, "Salmon migrate upstream"),
        (f"doi:{CROSSREF_DOI.upper()}", "Weighing beams"),
    ],
)
def test_a_paper_is_found_by_the_identifier_of_its_source(
    web: Browser, sources: LibraryServer, text: str, title: str
) -> None:
    web.post(path(signed_links.preferences(1)), data={"action": "import-papers", "library_text": text})
    result = pending_example_lookup.look_up_examples()

    assert (result.looked_up, result.found_count) == (1, 1)
    assert [example.title for example in example_papers.list_examples(1)] == [title]


@MAINLY_SQLITE
def test_identifiers_that_no_source_knows_are_named(web: Browser, sources: LibraryServer) -> None:
    sources.add(
        "/details/biorxiv/10.1101/123456/na/json", {"messages": [{"status": "no posts found"}], "collection": []}
    )
    sources.add(
        "/details/medrxiv/10.1101/123456/na/json", {"messages": [{"status": "no posts found"}], "collection": []}
    )
    text = f"{MISSING_PMID}\n10.1101/123456\n10.1016/j.missing.2024.02"
    web.post(path(signed_links.preferences(1)), data={"action": "import-papers", "library_text": text})
    result = pending_example_lookup.look_up_examples()
    named = " ".join(page(web).split())

    assert (result.looked_up, result.found_count) == (3, 0)
    assert "3 of them could not be found" in named
    assert all(identifier in named for identifier in text.split())


def test_a_title_without_abstract_is_completed_by_the_publisher(web: Browser, sources: LibraryServer) -> None:
    bare = {"doi": f"https://doi.org/{CROSSREF_DOI}", "display_name": "Weighing beams", "abstract_inverted_index": None}
    sources.add("/works", {"results": [bare]})
    web.post(path(signed_links.preferences(1)), data={"action": "import-papers", "library_text": CROSSREF_DOI})
    pending_example_lookup.look_up_examples()
    profile = account_of(1).profile

    assert "load" in {term.written for term in profile.example_terms}


def test_many_dois_are_asked_about_in_parts(
    web: Browser, sources: LibraryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossref._RATE, "pause", 0.0)
    text = "\n".join(f"10.1016/j.missing.{number}" for number in range(70))
    web.post(path(signed_links.preferences(1)), data={"action": "import-papers", "library_text": text})
    results = [pending_example_lookup.look_up_examples() for _ in range(2)]

    assert [(result.looked_up, result.is_incomplete) for result in results] == [(50, True), (20, False)]


@MAINLY_SQLITE
def test_a_pmid_that_is_stored_here_is_not_looked_up(lab: Lab, web: Browser, sources: LibraryServer) -> None:
    lab.store(None, ListedPaper(Record("Salmon stay at home", doi="10.5555/salmon", pmid="38000001")))
    web.post(path(signed_links.preferences(1)), data={"action": "import-papers", "library_text": PMID})

    assert not pending_example_lookup.is_due()
    assert [example.title for example in example_papers.list_examples(1)] == ["Salmon stay at home"]


def test_a_second_look_up_asks_nothing(pasted: Browser, sources: LibraryServer) -> None:
    pending_example_lookup.look_up_examples()
    request_count = len(sources.requests)

    assert pending_example_lookup.look_up_examples().looked_up == 0
    assert len(sources.requests) == request_count


def test_at_most_two_hundred_papers_of_an_import_are_looked_up(web: Browser, sources: LibraryServer) -> None:
    text = "\n".join(f"2402.{number:05d}" for number in range(MAX_LOOKED_UP + 50))
    web.post(path(signed_links.preferences(1)), data={"action": "import-papers", "library_text": text})
    result = pending_example_lookup.look_up_examples()

    assert (result.looked_up, result.is_incomplete) == (MAX_LOOKED_UP, False)
    assert [len(query["id_list"].split(",")) for _, query, _ in sources.requests] == [100, 100]


def test_papers_of_a_sign_up_wait_for_its_confirmation(web: Browser, sources: LibraryServer) -> None:
    answer = web.post("/start-from-papers", data={"library_text": KNOWN}).text

    assert f"{KNOWN}: not stored here; it is looked up soon" in answer
    assert not pending_example_lookup.is_due()
