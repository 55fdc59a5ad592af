"""`digest sources`: list, test, add, confirm, restore, pause, resume and remove."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from digest.sources import request_turns
from tests.digest.cli.conftest import Terminal
from tests.digest.sources import feed_server
from tests.digest.sources.feed_server import FeedServer, feed, item, web_page

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def server(ready: Terminal, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedServer]:
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.01)
    monkeypatch.setattr(request_turns, "_wait", lambda *_: None)
    with feed_server.serving() as feeds:
        configured(FEED_PRIVATE_HOSTS="127.0.0.1", CROSSREF_URL=feeds.url, SOURCES="biorxiv", SOURCE_PATIENCE=5)
        feeds.pages["/feed.xml"] = feed(
            item(1, day="2019-01-01"), item(2, title="Correction: Synapses"), item(3, day="2099-01-01")
        )
        ready.ok("migrate")
        yield feeds


def rows(terminal: Terminal) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in json.loads(terminal.ok("sources", "list", "--json"))}


def test_a_feed_is_tested_without_storing_anything(server: FeedServer, ready: Terminal) -> None:
    before = set(rows(ready))
    answer = json.loads(ready.ok("sources", "test", f"{server.url}/feed.xml", "--json"))
    output = ready.ok("sources", "test", f"{server.url}/feed.xml")

    assert [(p["identifier"], p["date"], p["abstract_from"], p["outcome"]) for p in answer["papers"]] == [
        ("10.1234/exa.1", "2019-01-01", "feed", "older than 14 days"),
        ("10.1234/exa.3", None, "feed", "new"),
    ]
    assert answer["left_out"] == [{"title": "Correction: Synapses", "reason": "correction"}]
    assert "Journal of Examples: 2 papers, 1 new, 1 entry left out" in output
    assert set(rows(ready)) == before


def test_ingest_without_a_name_fetches_what_is_due_and_a_failure_costs_only_its_own_papers(
    server: FeedServer, ready: Terminal, configured: Callable[..., None]
) -> None:
    configured(BIORXIV_URL=f"{server.url}/not-here")
    ready.ok("sources", "add", f"{server.url}/feed.xml")
    results = [ready.run("ingest"), ready.run("ingest")]

    assert [result.exit_code for result in results] == [1, 0]
    assert results[0].stderr.startswith("biorxiv: ")
    assert results[0].stdout.startswith("journal-of-examples: 2 new, ")
    assert results[1].stdout.startswith("no source is due; the next one is ")


def test_ingest_of_all_sources_takes_no_options_of_a_single_one(ready: Terminal) -> None:
    code, error = ready.refused("ingest", "--from", "2025-11-17")

    assert code == 2
    assert "source: name one" in error


def test_a_feed_is_added_confirmed_paused_resumed_and_removed(server: FeedServer, ready: Terminal) -> None:
    name = "journal-of-examples"
    added = ready.ok("sources", "add", f"{server.url}/feed.xml")
    ready.ok("ingest", name)
    listed = ready.ok("sources", "list")
    doctor = ready.run("doctor").stdout
    states = []
    for command in ("confirm", "pause", "resume"):
        ready.ok("sources", command, name)
        states.append((rows(ready)[name]["confirmed"], rows(ready)[name]["is_paused"]))
    ready.ok("sources", "remove", name)

    assert f"digest sources confirm {name}" in added
    assert name in listed
    assert "not confirmed: at most 20 papers a day are mailed" in " ".join(doctor.split())
    assert states == [(True, False), (True, True), (True, False)]
    assert name not in rows(ready)


def test_a_feed_that_moved_is_set_back_by_one_command(server: FeedServer, ready: Terminal) -> None:
    name = "journal-of-examples"
    ready.ok("sources", "add", f"{server.url}/feed.xml")
    server.pages["/new.xml"] = server.pages.pop("/feed.xml")
    server.redirects["/feed.xml"], server.redirect_status = "/new.xml", 301
    ready.ok("ingest", name)
    moved = rows(ready)[name]
    server.faults = [web_page] * 9
    ready.run("ingest", name)
    doctor = " ".join(ready.run("doctor").stdout.split())
    output = ready.ok("sources", "restore", name)

    assert (moved["address"], moved["former_address"]) == (f"{server.url}/new.xml", f"{server.url}/feed.xml")
    assert str(moved["moved_at"]).startswith("20")
    assert f"digest sources restore {name}" in doctor
    assert f"is fetched from {server.url}/feed.xml" in output
    assert rows(ready)[name]["address"] == f"{server.url}/feed.xml"


def test_a_built_in_source_is_paused_and_not_removed(server: FeedServer, ready: Terminal) -> None:
    ready.ok("sources", "pause", "biorxiv")
    code, line = ready.refused("sources", "remove", "biorxiv")

    assert rows(ready)["biorxiv"]["state"] == "paused"
    assert (code, "built in" in line) == (1, True)


@pytest.mark.parametrize(
    ("command", "line", "code"),
    [
        (("add", "ftp://a.example"), "address:", 2),
        (("test", "{url}/nothing"), "answered 404", 1),
        (("confirm", "nobody"), "no feed of the name nobody", 1),
        (("pause", "nobody"), "no source of the name nobody", 1),
        (("resume", "biorxiv"), "is not paused", 1),
        (("restore", "nobody"), "no feed of the name nobody", 1),
        (("add", "{url}/feed.xml", "--name", "Not A Name"), "name:", 2),
        (("add", "{url}/feed.xml", "--max-a-day", "0"), "a day:", 2),
    ],
)
def test_what_can_not_be_done_is_refused_in_one_line(
    server: FeedServer, ready: Terminal, command: tuple[str, ...], line: str, code: int
) -> None:
    result = ready.refused("sources", *(word.format(url=server.url) for word in command))

    assert (result[0], line in result[1], result[1].count("\n")) == (code, True, 1)
