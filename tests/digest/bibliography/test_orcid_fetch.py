"""The public works of an ORCID record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digest.bibliography.orcid_fetch import fetch_works, parse_orcid_id
from digest.errors import BadInput, NotFound
from tests.digest.bibliography.library_server import LibraryServer

WORKS = "/v3.0/0000-0002-1825-0097/works"


@pytest.mark.parametrize(
    "text", ["0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097", "orcid: 0000000218250097 "]
)
def test_an_id_is_read_however_it_is_written(text: str) -> None:
    assert parse_orcid_id(text) == "0000-0002-1825-0097"


@pytest.mark.parametrize(
    "text", ["", "0000-0002-1825-0098", "0000-0002-1825", "https://example.org/0000-0002-1825-0097"]
)
def test_an_id_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is not an ORCID iD"):
        parse_orcid_id(text)


def test_the_check_digit_may_be_an_x() -> None:
    assert parse_orcid_id("0000-0002-1694-233X") == "0000-0002-1694-233X"


def test_works_are_read_with_their_own_identifiers(libraries: LibraryServer, shared: Path) -> None:
    sample = json.loads((shared / "data" / "sources" / "orcid" / "works_small.json").read_text())
    libraries.add(WORKS, sample)

    parsed = fetch_works("0000-0002-1825-0097")

    assert (len(parsed.entries), parsed.entries[0].doi) == (8, "10.3233/isu-130714")
    assert libraries.requests[0][2]["accept"] == "application/json"


def test_a_record_that_does_not_exist_is_not_found(libraries: LibraryServer) -> None:
    with pytest.raises(NotFound, match="no ORCID record"):
        fetch_works("0000-0002-1825-0097")


def test_a_record_without_public_works_is_named_as_such(libraries: LibraryServer) -> None:
    libraries.add(WORKS, {"group": [], "last-modified-date": None})

    with pytest.raises(BadInput, match="no public works"):
        fetch_works("0000-0002-1825-0097")
