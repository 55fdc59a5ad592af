"""Servers that speak the sources' forms, from real days, and those of feeds, and the settings that point to them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import time_machine

from digest.sources import request_turns
from tests.digest.sources import feed_server
from tests.digest.sources.feed_server import FeedServer, feed, item
from tests.wire_server import WireServer, Work, works

WEEK = [date(2025, 9, 29), date(2025, 9, 30), date(2025, 10, 1), date(2025, 10, 2), date(2025, 10, 3)]
NOW = datetime(2026, 8, 7, 12, 0, tzinfo=UTC)  # of the tests of feeds
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
    monkeypatch.setattr(request_turns, "_wait", lambda *_: None)
    with WireServer() as server:
        configured(**server.settings, ARXIV_CATEGORIES=",".join(CATEGORIES), SOURCE_PATIENCE=5)
        yield server


@pytest.fixture
def moment() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture
def server(
    database: str,
    configured: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    moment: time_machine.Traveller,
) -> Iterator[FeedServer]:
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.01)
    monkeypatch.setattr(request_turns, "_wait", lambda *_: None)
    with feed_server.serving() as feeds:
        configured(
            FEED_PRIVATE_HOSTS="127.0.0.1", CROSSREF_URL=feeds.url, SOURCES="", SOURCE_PATIENCE=5, FEED_PAPERS_A_DAY=20
        )
        feeds.pages["/feed.xml"] = feed(*(item(n) for n in range(3)))
        yield feeds
