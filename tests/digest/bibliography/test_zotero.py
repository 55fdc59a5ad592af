"""A Zotero library by its web API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from digest.bibliography.zotero import fetch_library
from digest.errors import BadInput, NotFound, SourceDown
from tests.digest.bibliography.library_server import LibraryServer

KEY = "a1B2c3D4e5F6g7H8i9J0k1L2"
GROUP = "/groups/4512345/items/top"


def items(count: int) -> list[dict[str, Any]]:
    return [{"key": f"K{n}", "data": {"itemType": "preprint", "title": f"Title {n}"}} for n in range(count)]


def test_a_public_group_is_read_page_by_page(libraries: LibraryServer) -> None:
    libraries.add_items(GROUP, items(230))

    parsed = fetch_library("https://www.zotero.org/groups/4512345/example_group")

    assert [entry.title for entry in parsed.entries] == [f"Title {n}" for n in range(230)]
    assert [query["start"] for _, query, _ in libraries.requests] == ["0", "100", "200"]


def test_the_sample_of_a_group_gives_papers_without_notes_attachments_and_trash(
    libraries: LibraryServer, shared: Path
) -> None:
    sample = json.loads((shared / "data" / "sources" / "zotero_api" / "group_items.json").read_text())
    libraries.add_items(GROUP, sample)

    parsed = fetch_library("groups/4512345")

    first = parsed.entries[0]
    assert (first.title, first.doi, first.arxiv_id, first.pmid) == (
        "Examples of Drosophila",
        "10.5555/ex.1",
        "2401.00001",
        "40000011",
    )
    assert len(parsed.entries) == 2


def test_a_key_alone_reads_the_library_of_its_owner(libraries: LibraryServer) -> None:
    libraries.add("/keys/current", {"userID": 77, "access": {"user": {"library": True, "notes": False}}})
    libraries.add_items("/users/77/items/top", items(1))

    assert fetch_library("", KEY).entries[0].title == "Title 0"
    assert {headers["zotero-api-key"] for _, _, headers in libraries.requests} == {KEY}


@pytest.mark.parametrize(
    "access",
    [
        {"user": {"library": True, "write": True}},
        {"user": {"library": True}, "groups": {"all": {"library": True, "write": True}}},
        {"groups": {"12": {"write": True}}},
    ],
)
def test_a_key_with_write_rights_is_refused_before_anything_is_read(
    libraries: LibraryServer, access: dict[str, Any]
) -> None:
    libraries.add("/keys/current", {"userID": 77, "access": access})

    with pytest.raises(BadInput, match="make a read-only key"):
        fetch_library("", KEY)

    assert [path for path, _, _ in libraries.requests] == ["/keys/current"]


def test_an_unknown_key_is_refused(libraries: LibraryServer) -> None:
    libraries.refuse("/keys/current", 404, b"Invalid key")

    with pytest.raises(BadInput, match="does not know this key"):
        fetch_library("", KEY)


def test_a_private_library_is_named_as_such(libraries: LibraryServer) -> None:
    libraries.refuse(GROUP, 403)

    with pytest.raises(BadInput, match="this Zotero library is private"):
        fetch_library("groups/4512345")


def test_a_library_that_does_not_exist_is_not_found(libraries: LibraryServer) -> None:
    with pytest.raises(NotFound, match="no such Zotero library"):
        fetch_library("groups/999")


@pytest.mark.parametrize("address", ["", "https://example.org/groups/1x", "groups/abc", "file:///etc/passwd"])
def test_other_addresses_are_refused_without_a_request(libraries: LibraryServer, address: str) -> None:
    with pytest.raises(BadInput, match="use the address of a group"):
        fetch_library(address)

    assert libraries.requests == []


def test_a_long_pause_that_zotero_asks_for_ends_the_import(libraries: LibraryServer) -> None:
    libraries.add_items(GROUP, items(200), Backoff="600")

    with pytest.raises(SourceDown, match="pause of 600 seconds"):
        fetch_library("groups/4512345")


def test_an_empty_library_is_named_as_such(libraries: LibraryServer) -> None:
    libraries.add_items(GROUP, [])

    with pytest.raises(BadInput, match="is empty"):
        fetch_library("groups/4512345")


def test_items_beyond_the_limit_are_counted(libraries: LibraryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.bibliography.zotero.MAX_ENTRIES", 100)
    libraries.add_items(GROUP, items(150))

    parsed = fetch_library("groups/4512345")

    assert (len(parsed.entries), parsed.left_out) == (100, 50)
