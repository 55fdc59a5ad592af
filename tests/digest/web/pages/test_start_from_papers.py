"""Start from papers: on the start page, in the preferences and in the API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import select

from digest.db.core import engine
from digest.models import ExamplePaper, PendingImport, SignUpRequest
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from digest.services.security import signed_links
from digest.settings import TextSetting
from tests.combinations import MAINLY_SQLITE
from tests.digest.bibliography.library_server import LibraryServer, library_server
from tests.digest.web.conftest import ADA, NOW, Browser, everything, only_subscriber, path, subscribed

BIBTEX = b"""@article{stored, title = {Offline reinforcement learning with value regularization}, eprint = {2401.00001},
  archiveprefix = {arXiv}}
@article{external, title = {Reinforcement learning from human preferences}, author = {Noether, Emmy},
  abstract = {We learn rewards from human preferences.}, doi = {10.1000/external}}
@article{cut, title = {Human preferences for robots, year = {2020}
}
@article{lost, year = {2020}}
"""
UPLOAD = {"library_file": ("library.bib", BIBTEX, "application/x-bibtex")}


@pytest.fixture
def stored(web: Browser) -> int:
    """A stored paper, which the library names by its arXiv id."""
    record = Record("Offline reinforcement learning with value regularization", "We regularize.", arxiv_id="2401.00001")
    store_document("jsonl", "test", ParsedDocument((ListedPaper(record, "new"),)), day=NOW.date())
    return 1


def token_in(page: str) -> str:
    match = re.search(r'name="library" value="([\w-]{32})"', page)
    assert match, page
    return match[1]


def examples() -> list[ExamplePaper]:
    with engine.reading() as session:
        return list(session.exec(select(ExamplePaper).order_by(ExamplePaper.id)))  # type: ignore[arg-type]


@MAINLY_SQLITE
def test_a_file_fills_the_form_with_topics_and_says_what_was_read(web: Browser, stored: int) -> None:
    answer = web.post("/start-from-papers", data={"topics": "graph theory", "address": ADA}, files=UPLOAD)

    assert answer.status_code == 200
    assert "3 entries, 1 known here, 1 could not be read" in answer.text
    topics = re.search(r'<textarea[^>]*name="topics"[^>]*>([^<]*)<', answer.text)
    assert topics
    assert topics[1].splitlines()[0] == "graph theory"
    assert "human preferences" in topics[1].splitlines()
    assert f'value="{ADA}"' in answer.text


@MAINLY_SQLITE
def test_every_damaged_entry_is_named_with_its_line(web: Browser, stored: int) -> None:
    page = web.post("/start-from-papers", files=UPLOAD).text

    assert "line 5 (cut): a brace or quotation mark of ‘title’ is not closed" in page
    assert "line 7 (lost): neither a title nor a DOI" in page


def test_the_papers_of_a_sign_up_become_examples_when_it_is_confirmed(web: Browser, stored: int) -> None:
    token = token_in(web.post("/start-from-papers", files=UPLOAD).text)
    web.post("/subscribe", data={"address": ADA, "topics": "human preferences", "library": token})
    assert {example.request_id for example in examples()} == {1}

    subscriber = only_subscriber()
    with engine.reading() as session:
        request = session.exec(select(SignUpRequest)).one()
    web.post(path(signed_links.confirm(subscriber.id or 0, request.id or 0)))

    newest_first = reversed(examples())
    assert [(example.title, example.paper_id, example.request_id) for example in newest_first] == [
        ("Offline reinforcement learning with value regularization", 1, None),
        ("Reinforcement learning from human preferences", None, None),
        ("Human preferences for robots", None, None),
    ]


@MAINLY_SQLITE
def test_papers_that_are_unchecked_in_the_form_are_not_used(web: Browser, stored: int) -> None:
    web.post("/start-from-papers", files=UPLOAD)
    web.post("/subscribe", data={"address": ADA, "topics": "human preferences"})

    assert examples() == []


@MAINLY_SQLITE
def test_an_import_that_is_no_longer_kept_is_named(
    web: Browser, stored: int, clock_stands: time_machine.Traveller
) -> None:
    token = token_in(web.post("/start-from-papers", files=UPLOAD).text)
    clock_stands.shift(timedelta(days=2))

    answer = web.post("/subscribe", data={"address": ADA, "topics": "human preferences", "library": token})

    assert answer.status_code == 422
    assert "import them again" in answer.text
    assert examples() == []


@MAINLY_SQLITE
def test_the_form_keeps_the_papers_when_a_field_is_wrong(web: Browser, stored: int) -> None:
    token = token_in(web.post("/start-from-papers", files=UPLOAD).text)

    answer = web.post("/subscribe", data={"address": "nobody", "topics": "graphs", "library": token})

    assert token_in(answer.text) == token


@MAINLY_SQLITE
def test_pasted_identifiers_work_as_a_file_does(web: Browser, stored: int) -> None:
    page = web.post("/start-from-papers", data={"library_text": "https://arxiv.org/abs/2401.00001v2 nonsense"}).text

    assert "1 entry, 1 known here" in page


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.7", "This is a PDF file, not a bibliography"),
        (bytes(range(32)) * 99, "This is a binary file"),
        (b"@string{a = b # a}", "The file has no entries"),
        (b"hello", "This is no bibliography"),
    ],
)
def test_a_file_that_is_no_library_is_refused_in_one_line_and_nothing_is_stored(
    web: Browser, data: bytes, reason: str
) -> None:
    before = everything()

    answer = web.post("/start-from-papers", files={"library_file": ("library.bib", data)})

    assert answer.status_code == 422
    assert reason in answer.text
    assert everything() == before


@MAINLY_SQLITE
def test_an_empty_form_is_refused(web: Browser) -> None:
    answer = web.post("/start-from-papers", data={"topics": "graphs"})

    assert answer.status_code == 422
    assert "Paste identifiers or addresses of papers, or choose a file" in answer.text


@MAINLY_SQLITE
def test_a_file_of_50_megabytes_is_refused(web: Browser) -> None:
    answer = web.post("/start-from-papers", files={"library_file": ("library.bib", b"x" * (50 << 20))})

    assert answer.status_code == 413
    assert "A file may have 20 MB at most" in answer.text


@MAINLY_SQLITE
def test_other_pages_still_take_no_large_bodies(web: Browser) -> None:
    answer = web.post("/subscribe", data={"topics": "x" * 70_000})

    assert answer.status_code == 413


@MAINLY_SQLITE
def test_a_subscriber_imports_papers_and_sees_suggested_topics_unsaved(web: Browser, stored: int) -> None:
    subscriber = subscribed(web)
    link = path(signed_links.preferences(subscriber.id or 0))

    answer = web.post(link, data={"action": "import-papers"}, files=UPLOAD)

    assert "3 papers added." in answer.text
    assert len(examples()) == 3
    topics = re.search(r'<textarea[^>]*name="topics"[^>]*>([^<]*)<', answer.text)
    assert topics
    assert "human preferences" in topics[1]
    assert "human preferences" not in web.get(link).text.partition('name="topics"')[2].partition("</textarea>")[0]


@MAINLY_SQLITE
def test_the_last_import_is_undone_in_one_click(web: Browser, stored: int) -> None:
    link = path(signed_links.preferences(subscribed(web).id or 0))
    web.post(link, data={"action": "import-papers", "library_text": "2401.00001"})
    web.post(link, data={"action": "import-papers"}, files=UPLOAD)
    number = re.search(r'name="import" value="(\d+)"', web.get(link).text)
    assert number

    answer = web.post(link, data={"action": "undo-import", "import": number[1], "on_page": "yes"})

    assert "2 papers removed." in answer.text
    assert [example.paper_id for example in examples()] == [1]


def test_one_paper_or_all_of_them_are_removed(web: Browser, stored: int) -> None:
    link = path(signed_links.preferences(subscribed(web).id or 0))
    web.post(link, data={"action": "import-papers"}, files=UPLOAD)

    web.post(link, data={"action": "remove-papers", "paper": str(examples()[0].id)})
    assert len(examples()) == 2
    web.post(link, data={"action": "remove-papers", "paper": "all"})
    assert examples() == []


@MAINLY_SQLITE
def test_a_damaged_import_in_the_preferences_changes_nothing(web: Browser, stored: int) -> None:
    link = path(signed_links.preferences(subscribed(web).id or 0))
    before = everything()

    answer = web.post(link, data={"action": "import-papers"}, files={"library_file": ("a.bib", b"\x7fELF\x00")})

    assert answer.status_code == 422
    assert everything() == before


def test_the_oldest_imports_give_way_to_new_ones(web: Browser, stored: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.db.subscribers.pending_imports.MAX_IMPORTS", 2)

    for _ in range(4):
        web.post("/start-from-papers", data={"library_text": "2401.00001"})

    with engine.reading() as session:
        assert len(session.exec(select(PendingImport)).all()) == 2


def report(web: Browser, body: Any) -> dict[str, Any]:
    answer = web.post("/api/v1/library", json=body)
    assert answer.status_code == 200, answer.text
    value: dict[str, Any] = json.loads(answer.text)
    return value


@MAINLY_SQLITE
def test_the_api_reports_on_identifiers(web: Browser, stored: int) -> None:
    value = report(web, {"papers": ["2401.00001", "10.1000/unknown"]})

    assert (value["entries"], value["known"], value["unknown"]) == (2, 1, ["10.1000/unknown"])
    assert [topic["topic"] for topic in value["topics"]]


@MAINLY_SQLITE
def test_the_api_takes_a_file_as_the_body(web: Browser, stored: int) -> None:
    answer = web.post("/api/v1/library", content=BIBTEX, headers={"content-type": "application/x-bibtex"})

    value = json.loads(answer.text)
    assert value["format"] == "BibTeX"
    assert [problem["line"] for problem in value["problems"] if problem["lost"]] == [7]


@MAINLY_SQLITE
def test_a_sign_up_by_the_api_may_name_the_library(web: Browser, stored: int) -> None:
    value = report(web, {"papers": ["2401.00001"]})

    body = {"address": ADA, "topics": ["human preferences"]}
    answer = web.post(f"/api/v1/subscriptions?library={value['library']}", json=body)

    assert answer.status_code == 202
    assert [example.paper_id for example in examples()] == [1]


@MAINLY_SQLITE
def test_the_api_refuses_what_is_no_library(web: Browser) -> None:
    answer = web.post("/api/v1/library", content=b"%PDF-1.4", headers={"content-type": "application/octet-stream"})

    assert answer.status_code == 422
    assert "PDF" in answer.json()["detail"]


@pytest.fixture
def zotero(web: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[LibraryServer]:
    with library_server() as server:
        monkeypatch.setattr("digest.bibliography.zotero.URL", TextSetting("zotero_url", server.url))
        monkeypatch.setattr("digest.bibliography.orcid_fetch.URL", TextSetting("orcid_url", server.url))
        yield server


@MAINLY_SQLITE
def test_a_zotero_group_is_imported(web: Browser, stored: int, zotero: LibraryServer) -> None:
    items = [{"key": "A", "data": {"itemType": "preprint", "title": "", "extra": "arXiv: 2401.00001"}}]
    zotero.add_items("/groups/12/items/top", items)

    page = web.post("/start-from-papers", data={"zotero_library": "https://www.zotero.org/groups/12/name"}).text

    assert "1 entry, 1 known here" in page


@MAINLY_SQLITE
def test_a_key_that_may_write_is_refused_and_shown_nowhere(web: Browser, zotero: LibraryServer) -> None:
    key = "a1B2c3D4e5F6g7H8i9J0k1L2"
    zotero.add("/keys/current", {"userID": 7, "access": {"user": {"library": True, "write": True}}})
    before = everything()

    answer = web.post("/start-from-papers", data={"zotero_key": key})

    assert answer.status_code == 422
    assert "make a read-only key" in answer.text
    assert key not in answer.text
    assert everything() == before


@MAINLY_SQLITE
def test_a_private_zotero_library_is_named_as_such(web: Browser, zotero: LibraryServer) -> None:
    zotero.refuse("/groups/12/items/top", 403)

    answer = web.post("/start-from-papers", data={"library_text": "https://www.zotero.org/groups/12"})

    assert answer.status_code == 422
    assert "This Zotero library is private" in answer.text


@MAINLY_SQLITE
def test_an_orcid_record_that_does_not_exist_is_named(web: Browser, zotero: LibraryServer) -> None:
    answer = web.post("/start-from-papers", data={"library_text": "https://orcid.org/0000-0002-1825-0097"})

    assert answer.status_code == 404
    assert "There is no ORCID record with this iD" in answer.text
