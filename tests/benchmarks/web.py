"""Requests a second of the public pages and of one-click unsubscribing, beside bare FastAPI routes in the same run.

    python -m tests.benchmarks.web [SHARED] [--papers 330] [--clients 50] [--seconds 3] [--rounds 3]
        [--database sqlite|postgresql] [--pages start,trending,paper,preview,topics,unsubscribe]

One web process with an in-memory queue, in a process of its own; the clients keep their connections. Up to 332 papers
are the seeds, with their signals; more are the newest of the corpus in SHARED, spread over 14 announcements, and as
many a day on the announcement before, so that there are thresholds and an epoch, as after a first run. The bare route
returns a short text from an application without anything else, by the same server in the same process; `bare write`
also inserts one row durably: one connection behind a lock on SQLite (waiting at the database's lock is slower), ten
connections on PostgreSQL. Goals: the start page, the trending page and a paper at a third of the bare
route or more, one-click unsubscribing at 0.6 of the bare write or more; a preview, each of another
topic, in 300 ms at the 95th percentile, the first one after the start included.

`topics` are previews of what people type: phrases of two to four words that several titles of the corpus have.
`preview` are previews of random pairs of words, most of which no paper has.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import queue
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from tests.benchmarks.report import Report

PAGES = ("start", "trending", "paper", "preview", "topics", "unsubscribe")
BARE, BARE_WRITE = "bare", "bare write"
CONNECTIONS = 10
PEERS = {"start": (BARE, 1 / 3), "trending": (BARE, 1 / 3), "paper": (BARE, 1 / 3), "unsubscribe": (BARE_WRITE, 0.6)}
SECRET = "a-key-for-benchmarks-of-at-least-32-bytes"
SEEDS = 332
NEWEST = 105_000  # papers of the corpus before those that are stored: of July to November 2025, in all fields
TITLES, MIN_TITLES = 20_000, 3  # titles that phrases are taken from; those that must have a phrase
WORDS = (
    *(
        "graph",
        "diffusion",
        "reinforcement",
        "transformer",
        "language",
        "protein",
        "quantum",
        "robust",
        "sparse",
        "neural",
    ),
    *("attention", "federated", "causal", "bayesian", "kernel", "convex", "retrieval", "speech", "vision", "planning"),
)
ONE_CLICK = b"List-Unsubscribe=One-Click"


def main() -> None:
    """Fill a database, serve it, and send requests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--papers", type=int, default=330)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each page in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--pages", default=",".join(PAGES), help="those to measure, with commas")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve)
        return
    report = Report("web" if options.database == "sqlite" else f"web-{options.database}")
    with tempfile.TemporaryDirectory() as folder, database(options.database) as address:
        os.environ |= {"DIGEST_DATA_DIR": folder, "DIGEST_SECRET_KEY": SECRET, "DIGEST_BASE_URL": "http://127.0.0.1"}
        os.environ |= {"DIGEST_MAIL_FROM": "papers@digest.example"}
        os.environ.pop("DIGEST_DATABASE_URL", None)
        if address:
            os.environ["DIGEST_DATABASE_URL"] = address
        links = fill(options.shared, options.papers)
        load = Load(options.clients, options.seconds, options.rounds, tuple(options.pages.split(",")))
        measure(report, options.shared, links, load)
    report.write(rounds=options.rounds)


@contextmanager
def database(kind: str) -> Iterator[str]:
    """The address of an empty database; '' for SQLite in the data folder."""
    if kind == "sqlite":
        yield ""
        return
    from tests.servers import Postgres

    with Postgres(durable=True) as server:
        yield server.new_database(lambda _url: None)


def fill(shared: Path, papers: int) -> list[str]:
    """Store the papers and some subscribers. Returns the paths that unsubscribe them."""
    from digest.db.core import schema_migration

    schema_migration.upgrade()
    if papers <= SEEDS:
        fill_with_seeds()
    else:
        fill_from_corpus(shared, papers)
    return subscribers(20_000)


def fill_with_seeds() -> None:
    """The shipped papers with their signals, on the last two announcements."""
    from digest import clock
    from digest.services.ingestion.import_document import store_document
    from seeds import loader

    for announced in reversed(loader.announcements(clock.now().date())):
        for name, document in announced.documents:
            store_document("seeds", name, document, day=announced.day)


def fill_from_corpus(shared: Path, papers: int) -> None:
    """Papers of the corpus on the last 14 days and the day before, each with a vote count; and an epoch."""
    from digest import clock
    from digest.papers import ListedPaper, ParsedDocument
    from digest.services.catalog import epochs
    from digest.services.ingestion.import_document import store_document
    from tests.benchmarks.preview import records

    lines, today = records(shared, NEWEST), clock.now().date()
    for days_back in range(14, -1, -1):
        listed = tuple(
            ListedPaper(record, "new", signals=(("upvotes", float(number % 40)),))  # type: ignore[arg-type]
            for number, record in enumerate(itertools.islice(lines, papers // 14))
        )
        store_document("jsonl", "benchmark", ParsedDocument(papers=listed), day=today - timedelta(days=days_back))
    epochs.current_epoch_id(today.toordinal())


def subscribers(count: int) -> list[str]:
    """Active subscribers, and the path of each one's unsubscribe link."""
    from digest import clock
    from digest.db.core.engine import transaction
    from digest.models import Subscriber
    from digest.services.security import signed_links

    now = clock.now()
    with transaction() as session:
        rows = [
            Subscriber(
                address=f"s{number}@digest.example",
                address_key=f"s{number}@digest.example",
                state="active",
                created_at=now,
                confirmed_at=now,
            )
            for number in range(count)
        ]
        session.add_all(rows)
        session.flush()
        numbers = [row.id or 0 for row in rows]
    return [urlsplit(signed_links.unsubscribe(number)).path for number in numbers]


class Request(NamedTuple):
    """A request and its body, a form."""

    method: str
    path: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Load:
    """How many clients request which pages; `seconds` of each page in each round."""

    clients: int
    seconds: float
    rounds: int
    pages: tuple[str, ...]


class NoQueue:
    """A queue that nothing is done for."""

    def freeze(self, run_id: int, shard: int) -> None:
        """Ignore it."""

    def deliver(self) -> None:
        """Ignore it."""

    def welcome(self, subscriber_id: int) -> None:
        """Ignore it."""

    def alive(self) -> bool:
        """Always."""
        return True


def serve(descriptor: int) -> None:
    """The pages, and the bare route under /bare, on a socket that the parent has opened."""
    import uvicorn
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse
    from starlette.types import Receive, Scope, Send

    from digest.web.app import build
    from digest.web.http import server, warm_up
    from digest.web.http.request_rates import RequestLimiter
    from digest.web.wiring import page_services

    bare, pages = FastAPI(openapi_url=None), build(NoQueue(), page_services())
    pages.state.preview_limiter = RequestLimiter(1_000_000)  # all clients here have one address

    @bare.get("/bare")
    def _bare() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    pages.state.warm_up.start_and_refresh()
    while pages.state.warm_up.state == warm_up.RUNNING:
        time.sleep(0.05)
    write = bare_write()

    @bare.post("/bare-write")
    def _bare_write() -> PlainTextResponse:
        write()
        return PlainTextResponse("ok\n")

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        await (bare if scope.get("path") in {"/bare", "/bare-write"} else pages)(scope, receive, send)

    listening = socket.socket(fileno=descriptor)
    uvicorn.Server(server.server_config(both)).run([listening])


def bare_write() -> Callable[[], None]:
    """A function that inserts one row in a durable transaction of its own."""
    from digest import settings

    address = settings.get().database
    return _sqlite_write() if address.startswith("sqlite") else _postgresql_write(address)


def _sqlite_write() -> Callable[[], None]:
    path = Path(os.environ["DIGEST_DATA_DIR"]) / "bare.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE bare (at REAL)"):
        connection.execute(statement)
    lock = threading.Lock()

    def write() -> None:
        with lock:
            connection.execute("INSERT INTO bare VALUES (?)", (time.time(),))

    return write


def _postgresql_write(address: str) -> Callable[[], None]:
    import psycopg

    plain = address.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (at double precision)")
    connections: queue.SimpleQueue[psycopg.Connection] = queue.SimpleQueue()
    for _ in range(CONNECTIONS):
        connections.put(psycopg.connect(plain, autocommit=True))

    def write() -> None:
        connection = connections.get()
        connection.execute("INSERT INTO bare VALUES (%s)", (time.time(),))
        connections.put(connection)

    return write


def measure(report: Report, shared: Path, links: list[str], load: Load) -> None:
    """Rounds of all pages, one after the other, each beside the bare routes."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        port = listening.getsockname()[1]
        words = [sys.executable, "-m", "tests.benchmarks.web", "--serve", str(listening.fileno())]
        process = subprocess.Popen(words, pass_fds=[listening.fileno()])
        try:
            requests = page_requests(shared, links)
            started = time.perf_counter()
            asyncio.run(single_request(port, next(requests[BARE])))
            report.add("start and warm-up", "s", time.perf_counter() - started)
            note_first_views(report, port, [name for name in load.pages if name != "unsubscribe"], requests)
            for _ in range(load.rounds):
                for name in (BARE, BARE_WRITE, *load.pages):
                    used = processor_seconds(process.pid)
                    times, spent = asyncio.run(crowd(port, requests[name], load.clients, load.seconds))
                    note(report, name, times, spent)
                    report.add(f"{name}: CPU", "ms", 1000 * (processor_seconds(process.pid) - used) / len(times))
        finally:
            process.terminate()
            process.wait()
    for name in load.pages:
        if name in PEERS:
            peer, minimum = PEERS[name]
            report.ratio(f"{name}: requests", f"{peer}: requests", minimum_ratio=minimum)


def page_requests(shared: Path, links: list[str]) -> dict[str, Iterator[Request]]:
    """The requests of each page: the same each time, but for previews and unsubscribing."""
    same = {BARE: "/bare", "start": "/", "trending": "/trending", "paper": paper_path()}
    requests: dict[str, Iterator[Request]] = {name: itertools.repeat(Request("GET", at)) for name, at in same.items()}
    requests[BARE_WRITE] = itertools.repeat(Request("POST", "/bare-write"))
    requests["unsubscribe"] = (Request("POST", link, ONE_CLICK) for link in links)
    requests["preview"] = map(preview_request, word_pairs())
    requests["topics"] = map(preview_request, title_phrases(shared))
    return requests


def preview_request(topic: str) -> Request:
    """The request of the start page's script for one topic."""
    return Request("POST", "/preview", f"topics={quote(topic)}".encode())


def word_pairs() -> Iterator[str]:
    """Pairs of words, then three words, each only once."""
    return map(" ".join, itertools.chain(itertools.permutations(WORDS, 2), itertools.permutations(WORDS, 3)))


def title_phrases(shared: Path) -> Iterator[str]:
    """Phrases of two to four words that several titles of the corpus have, each only once, in random order."""
    from digest.services.preview.recent_phrases import text_phrases
    from tests.benchmarks.preview import records

    titles = (record.title for record in itertools.islice(records(shared, NEWEST), TITLES))  # type: ignore[attr-defined]
    counts = Counter(text for title in titles for text in dict(text_phrases(title)).values())
    phrases = sorted(text for text, papers in counts.items() if papers >= MIN_TITLES and " " in text)
    random.Random(1).shuffle(phrases)
    yield from phrases


def note_first_views(report: Report, port: int, names: list[str], requests: dict[str, Iterator[Request]]) -> None:
    """Milliseconds of each page's first view after the warm-up."""
    for name in names:
        report.add(f"{name}: first view", "ms", 1000 * asyncio.run(single_request(port, next(requests[name]))))


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def paper_path() -> str:
    """The page of the paper that is stored last."""
    from sqlmodel import func, select

    from digest.db.core.engine import reading
    from digest.models import Paper

    with reading() as session:
        return f"/papers/{session.exec(select(func.max(Paper.id))).one()}"


def note(report: Report, name: str, times: list[float], spent: float) -> None:
    """Requests a second, and how long they took."""
    report.add(f"{name}: requests", "1/s", len(times) / spent)
    ordered = sorted(times)
    for percent in (50, 95, 99):
        report.add(f"{name}: p{percent}", "ms", 1000 * ordered[min(len(ordered) * percent // 100, len(ordered) - 1)])


async def crowd(port: int, requests: Iterator[Request], clients: int, seconds: float) -> tuple[list[float], float]:
    """Seconds of each request of so many clients at once, and how long all of it took."""
    times: list[float] = []
    began = time.perf_counter()

    async def client() -> None:
        incoming, outgoing = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        while time.perf_counter() - began < seconds:
            request = next(requests, None)
            if request is None:
                break
            started = time.perf_counter()
            await exchange(incoming, outgoing, request)
            times.append(time.perf_counter() - started)
        outgoing.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return times, time.perf_counter() - began


async def single_request(port: int, request: Request) -> float:
    """Seconds of a single request."""
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    started = time.perf_counter()
    await exchange(incoming, outgoing, request)
    outgoing.close()
    return time.perf_counter() - started


async def exchange(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter, request: Request) -> None:
    """Send a request over a connection that is kept, and read the response. Raises RuntimeError unless it is a 200."""
    kind = "Content-Type: application/x-www-form-urlencoded\r\n" if request.body else ""
    length_line = f"Content-Length: {len(request.body)}"
    head = f"{request.method} {request.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}{length_line}\r\n\r\n"
    outgoing.write(head.encode() + request.body)
    response = (await incoming.readuntil(b"\r\n\r\n")).lower()
    length = next(int(line[15:]) for line in response.split(b"\r\n") if line.startswith(b"content-length:"))
    await incoming.readexactly(length)
    if not response.startswith(b"http/1.1 200"):
        raise RuntimeError(f"{request.path}: {json.dumps(response[:60].decode())}")


if __name__ == "__main__":
    main()
