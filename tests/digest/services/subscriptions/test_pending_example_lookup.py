"""Papers of which only an identifier is known are looked up in the background, or at once on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import time_machine

from digest.errors import SourceDown
from digest.services.security import signed_links
from digest.services.subscriptions import example_papers, pending_example_lookup
from digest.services.subscriptions.library_entries import MAX_LOOKED_UP
from digest.services.subscriptions.update_preferences import account_of
from digest.web.app import build
from digest.web.wiring import page_services
from tests.digest.bibliography.library_server import LibraryServer
from tests.digest.services.conftest import Lab
from tests.digest.services.subscriptions.lookup_server import DOI, KNOWN, MISSING, lookup_server
from tests.digest.web.conftest import Browser, RecordingQueue, path


@pytest.fixture
def sources(configured: Callable[..., None]) -> Iterator[LibraryServer]:
    with lookup_server() as server:
        configured(ARXIV_API_URL=f"{server.url}/api/query", OPENALEX_URL=server.url)
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


def test_an_import_asks_no_source_and_says_that_papers_wait(pasted: Browser, sources: LibraryServer) -> None:
    assert sources.requests == []
    assert "3 of them are being looked up" in page(pasted)


def test_what_the_sources_know_finds_papers_from_then_on(pasted: Browser) -> None:
    result = pending_example_lookup.look_up_examples()
    profile = account_of(1).profile

    assert (result.looked_up, result.found, result.is_incomplete) == (3, 2, False)
    assert sorted(example.title for example in example_papers.list_examples(1) if not example.lookup) == [
        "Auction equilibria",
        f"Offline learning {KNOWN}",
    ]
    assert {"auction", "equilibria"} <= {term.written for term in profile.example_terms}


def test_identifiers_that_do_not_exist_are_named(pasted: Browser) -> None:
    pending_example_lookup.look_up_examples()

    assert f"1 of them could not be found by its identifier: {MISSING}" in " ".join(page(pasted).split())


def test_without_a_network_the_papers_wait_for_a_week(pasted: Browser, sources: LibraryServer) -> None:
    sources.refuse("/api/query", 404)
    with pytest.raises(SourceDown):
        pending_example_lookup.look_up_examples()
    waiting = page(pasted)
    with time_machine.travel("2027-06-01", tick=True), pytest.raises(SourceDown):
        pending_example_lookup.look_up_examples()

    assert "3 of them are being looked up" in waiting
    assert not pending_example_lookup.is_due()


def test_a_second_look_up_asks_nothing(pasted: Browser, sources: LibraryServer) -> None:
    pending_example_lookup.look_up_examples()
    asked = len(sources.requests)

    assert pending_example_lookup.look_up_examples().looked_up == 0
    assert len(sources.requests) == asked


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
