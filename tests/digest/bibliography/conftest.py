"""A server that answers as Zotero and ORCID do, and the settings that point to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.digest.bibliography.library_server import LibraryServer, library_server


@pytest.fixture
def libraries(configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[LibraryServer]:
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.01)
    with library_server() as server:
        configured(ZOTERO_URL=server.url, ORCID_URL=server.url, SOURCE_PATIENCE=5)
        yield server
