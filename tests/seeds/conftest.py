"""The shipped documents and the day on which the tests read them."""

from __future__ import annotations

from datetime import date

import pytest

from digest.papers import ParsedDocument
from seeds import loader

TODAY = date(2026, 6, 10)


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """The shipped documents by the first three characters of their names."""
    return {name[:3]: text for name, text in loader.shipped_documents()}


@pytest.fixture(scope="session")
def parsed() -> dict[str, ParsedDocument]:
    """The parsed documents."""
    return {name[:3]: document for name, document in loader.load(today=TODAY)}
