"""A name that is typed is looked up at a source: its people are offered with id, institution and recent papers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest
import time_machine
from sqlmodel import select

from digest import clock
from digest.db.core.engine import reading
from digest.models import NameLookup
from digest.papers import AuthorId, ListedPaper, Record
from digest.services.catalog import author_lookup
from digest.services.runs import retention
from digest.services.security import api_tokens, signed_links
from digest.sources import openalex
from digest.web.app import build
from digest.web.wiring import page_services
from tests.combinations import MAINLY_SQLITE
from tests.digest.bibliography.library_server import Answer, LibraryServer, library_server
from tests.digest.cli.conftest import Terminal
from tests.digest.services.conftest import MONDAY, Lab
from tests.digest.sources.test_request_deadline import hold_turn
from tests.digest.web.conftest import Browser, RecordingQueue, path

KEY, ORCID_ID = "A5023888391", "0000-0002-1825-0097"
AUTHORS = [
    {
        "id": f"https://openalex.org/{KEY}",
        "orcid": f"https://orcid.org/{ORCID_ID}",
        "display_name": "Niao He",
        "works_count": 120,
        "last_known_institutions": [{"display_name": "ETH Zurich"}],
    },
    {"id": "https://openalex.org/A5099999991", "orcid": None, "display_name": "N. He", "works_count": 3,
     "last_known_institutions": [{"display_name": "<script>alert(1)</script>"}]},
    {"id": "https://openalex.org/A5099999992", "orcid": "https://orcid.org/0000-0002-1825-0098",
     "display_name": "Percy Liang", "works_count": 300},
    {"id": "https://openalex.org/W1", "display_name": "Niao He"},
    {"id": None, "display_name": None, "works_count": -1, "last_known_institutions": [None, 7]},
    "nothing",
]  # fmt: skip
WORKS = [
    {"display_name": "Minimax <b>games</b>", "publication_date": "2026-01-02",
     "authorships": [{"author": {"id": f"https://openalex.org/{KEY}"}}, {"author": None}]},
    {"display_name": None, "authorships": None},
]  # fmt: skip
TYPED = {"authors": "Niao He"}


@pytest.fixture
def source(lab: Lab, configured: Callable[..., None]) -> Iterator[LibraryServer]:
    with library_server() as server:
        server.add("/authors", {"meta": {"count": 2}, "results": AUTHORS})
        server.add("/works", {"meta": {"count": 2}, "results": WORKS})
        configured(PEOPLE_LOOKUP="on", OPENALEX_URL=server.url, ADMIN_EMAILS="admin@digest.example")
        yield server


@pytest.fixture
def pages(source: LibraryServer) -> Browser:
    return Browser(build(RecordingQueue(), page_services()))


def test_the_start_page_offers_the_people_of_a_typed_name(pages: Browser, source: LibraryServer) -> None:
    text = pages.post("/preview", data=TYPED).text

    assert "ETH Zurich · 120 papers" in text
    assert f'href="https://orcid.org/{ORCID_ID}"' in text
    assert f'href="https://openalex.org/{KEY}"' in text
    assert ">Minimax games</span>" in text
    assert f'value="Niao He (orcid:{ORCID_ID})"' in text
    assert "Percy Liang" not in text
    assert "<script>alert" not in text
    assert source.requests[0][1]["mailto"] == "admin@digest.example"


def test_a_chosen_person_is_followed_by_their_id(pages: Browser) -> None:
    reference = f"Niao He (orcid:{ORCID_ID})"
    text = pages.post("/", data=TYPED | {"person": reference}).text

    assert f">{reference}</textarea>" in text
    assert "You follow this person." in text


def test_preferences_offer_them_once_saved(lab: Lab, pages: Browser, source: LibraryServer) -> None:
    page = path(signed_links.preferences(lab.subscribe("bob", authors=["Niao He"])))
    preferences_page = pages.get(page).text
    asked_by_opening = len(source.requests)
    pages.post(page, data={"action": f"person Niao He (openalex:{KEY})"})

    assert "ETH Zurich" not in preferences_page
    assert asked_by_opening == 0
    assert "ETH Zurich" in pages.get(page).text


def with_token() -> dict[str, str]:
    return {"authorization": f"Bearer {api_tokens.create_token('people', ['papers:read'], expires_at=None, actor='')}"}


def test_the_api_asks_for_callers_with_a_token_alone(pages: Browser, source: LibraryServer) -> None:
    anonymous = pages.get("/api/v1/people", params={"name": "Niao He"})

    assert (anonymous.status_code, anonymous.json()["people"], source.requests) == (200, [], [])


def test_the_api_and_the_command_line_list_them(pages: Browser) -> None:
    answer = pages.get("/api/v1/people", params={"name": "Niao He"}, headers=with_token())
    printed = Terminal().ok("preview", "--author", "Niao He")

    assert answer.status_code == 200
    first = answer.json()["people"][0]
    assert (first["reference"], first["is_here"], first["papers"]) == (f"Niao He (orcid:{ORCID_ID})", False, 120)
    assert [item["label"] for item in first["ids"]] == [f"ORCID {ORCID_ID}", f"OpenAlex {KEY}"]
    assert f"(orcid:{ORCID_ID})" in printed.replace("\n", "")


def test_a_name_is_asked_about_once_a_month(pages: Browser, source: LibraryServer) -> None:
    for _ in range(3):
        pages.post("/preview", data=TYPED)
    request_count = len(source.requests)
    with time_machine.travel(clock.now() + timedelta(days=31), tick=True):
        pages.post("/preview", data=TYPED)

    assert request_count == 2
    assert len(source.requests) == 4


def test_the_answers_of_last_month_are_deleted(pages: Browser) -> None:
    pages.post("/preview", data=TYPED)
    with time_machine.travel(clock.now() + timedelta(days=31), tick=True):
        retention.delete_expired()
    with reading() as session:
        remaining_lookups = session.exec(select(NameLookup)).all()

    assert remaining_lookups == []


def test_people_with_papers_here_are_listed_as_such(lab: Lab, pages: Browser) -> None:
    record = Record("Minimax games", abstract="", arxiv_id="2511.00001", authors=("Niao He",), categories=("cs.LG",))
    lab.store(MONDAY, ListedPaper(record, author_ids=(AuthorId("Niao He", "openalex", KEY, "ETH"),)))
    people = pages.get("/api/v1/people", params={"name": "Niao He"}, headers=with_token()).json()["people"]

    assert [(person["is_here"], person["name"]) for person in people] == [(True, "Niao He"), (False, "N. He")]


@pytest.mark.parametrize("settings", [{"PEOPLE_LOOKUP": "off"}, {"ADMIN_EMAILS": "", "OPENALEX_KEY": ""}])
def test_without_consent_or_contact_nobody_is_asked(
    pages: Browser, source: LibraryServer, configured: Callable[..., None], settings: dict[str, str]
) -> None:
    configured(**settings)
    answer = pages.post("/preview", data=TYPED)

    assert answer.status_code == 200
    assert source.requests == []


@MAINLY_SQLITE
def test_a_source_that_fails_is_left_alone_for_a_while(pages: Browser, source: LibraryServer) -> None:
    source.refuse("/authors", 503)
    answers = [pages.post("/preview", data={"authors": name}) for name in ("Niao He", "Ada Byron", "Niao He")]
    request_count = len(source.requests)
    source.add("/authors", {"results": AUTHORS})
    with time_machine.travel(clock.now() + author_lookup.PAUSE_AFTER_FAILURE + timedelta(minutes=1), tick=True):
        later = pages.post("/preview", data=TYPED).text

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert request_count == 1
    assert "ETH Zurich" in later


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "body", [b"<html>404</html>", b"", b"[]", json.dumps({"results": {}}).encode(), b'{"results": [[']
)
def test_an_answer_that_is_none_changes_nothing(pages: Browser, source: LibraryServer, body: bytes) -> None:
    source.refuse("/authors", 200, body)

    assert pages.post("/preview", data=TYPED).status_code == 200


def test_without_recent_papers_the_people_are_still_offered(pages: Browser, source: LibraryServer) -> None:
    source.refuse("/works", 503)

    assert "ETH Zurich · 120 papers" in pages.post("/preview", data=TYPED).text


def test_the_wait_for_a_turn_and_both_requests_share_the_time_of_the_form(
    pages: Browser, source: LibraryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(author_lookup, "SECONDS", 1.0)
    slowly_answered = source.routes["/authors"]

    def answer_late(query: Mapping[str, str]) -> Answer:
        time.sleep(0.7)
        return slowly_answered(query)

    source.routes["/authors"] = answer_late
    has_turn = threading.Event()
    holder = threading.Thread(target=hold_turn, args=(openalex.PACING, has_turn, 0.7))
    holder.start()
    assert has_turn.wait(10)
    text = pages.post("/preview", data=TYPED).text
    holder.join()

    assert "ETH Zurich" not in text
    assert "/works" not in {route for route, _, _ in source.requests}


def test_at_most_two_names_of_a_form_and_some_of_a_day_are_asked_about(
    pages: Browser, source: LibraryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["Niao He", "Ada Byron", "Carl Gauss", "Emmy Noether"]
    pages.post("/preview", data={"authors": "\n".join(names)})
    of_a_form = [query["search"] for route, query, _ in source.requests if route == "/authors"]
    monkeypatch.setattr(author_lookup, "MAX_A_DAY", 3)
    pages.post("/preview", data={"authors": "\n".join(names)})
    of_a_day = [query["search"] for route, query, _ in source.requests if route == "/authors"]

    assert of_a_form == names[:2]
    assert of_a_day == names[:3]


@MAINLY_SQLITE
@pytest.mark.parametrize("name", ["He", "N. He", "*", "A" * 150])
def test_a_family_name_alone_is_not_looked_up(pages: Browser, source: LibraryServer, name: str) -> None:
    pages.post("/preview", data={"authors": name})

    assert source.requests == []
