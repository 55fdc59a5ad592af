"""A server that speaks the sources' forms from real days, and the settings that point to it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.wire_server import WireServer, Work, works

WEEK = [date(2025, 9, 29), date(2025, 9, 30), date(2025, 10, 1), date(2025, 10, 2), date(2025, 10, 3)]
CATEGORIES = ("cs.CL", "cs.RO", "stat.ML")


def real_days(shared: Path, per_day: int, days: list[date] = WEEK) -> list[Work]:
    """Real papers of the wanted categories, that many a day."""
    selected: list[Work] = []
    for day in days:
        with gzip.open(shared / "data" / "replay" / "days" / f"{day}.jsonl.gz") as file:
            rows = works(json.loads(line) for line in file)
        selected += [work for work in rows if set(work.categories) & set(CATEGORIES)][:per_day]
    return selected


@pytest.fixture
def wire(configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.01)
    with WireServer() as server:
        configured(**server.settings, ARXIV_CATEGORIES=",".join(CATEGORIES), SOURCE_PATIENCE=5)
        yield server
