"""Requests a second of the public pages and of one-click unsubscribing, beside a bare FastAPI route in the same run.

    python -m tests.benchmarks.web [SHARED] [--papers 330] [--clients 50] [--seconds 3] [--rounds 3]

One web process with an in-memory queue, on SQLite, in a process of its own; the clients keep their connections. Up to
332 papers are the seeds, with their signals; more come from the corpus in SHARED, spread over 14 announcements. The
bare route returns a short text from an application without anything else, by the same server in the same process.
Goal: the start page, the trending page and a paper at a third of the bare route or more.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.report import Report

PAGES = ("start", "trending", "paper", "unsubscribe")
GOAL = 1 / 3
SECRET = "a-key-for-benchmarks-of-at-least-32-bytes"
SEEDS = 332
ONE_CLICK = b"List-Unsubscribe=One-Click"


def main() -> None:
    """Fill a database, serve it, and send requests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--papers", type=int, default=330)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each page in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve)
        return
    report = Report("web")
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DIGEST_DATA_DIR": folder, "DIGEST_SECRET_KEY": SECRET, "DIGEST_BASE_URL": "http://127.0.0.1"}
        os.environ |= {"DIGEST_MAIL_FROM": "papers@digest.example"}
        os.environ.pop("DIGEST_DATABASE_URL", None)
        links = fill(options.shared, options.papers)
        measure(report, links, clients=options.clients, seconds=options.seconds, rounds=options.rounds)
    report.write(rounds=options.rounds)


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
    """Papers of the corpus on the last 14 days, each with a vote count."""
    from digest import clock
    from digest.papers import ListedPaper, ParsedDocument
    from digest.services.ingestion.import_document import store_document
    from tests.benchmarks.preview import records

    lines, today = records(shared), clock.now().date()
    for back in range(13, -1, -1):
        listed = tuple(
            ListedPaper(record, "new", signals=(("upvotes", float(number % 40)),))  # type: ignore[arg-type]
            for number, record in enumerate(itertools.islice(lines, papers // 14))
        )
        store_document("jsonl", "benchmark", ParsedDocument(papers=listed), day=today - timedelta(days=back))


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
    from digest.web.http import server
    from digest.web.wiring import page_services

    bare, pages = FastAPI(openapi_url=None), build(NoQueue(), page_services())

    @bare.get("/bare")
    def _bare() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        await (bare if scope.get("path") == "/bare" else pages)(scope, receive, send)

    listening = socket.socket(fileno=descriptor)
    uvicorn.Server(server.configuration(both)).run([listening])


def measure(report: Report, links: list[str], *, clients: int, seconds: float, rounds: int) -> None:
    """Rounds of all pages, one after the other, each beside the bare route."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        port = listening.getsockname()[1]
        words = [sys.executable, "-m", "tests.benchmarks.web", "--serve", str(listening.fileno())]
        process = subprocess.Popen(words, pass_fds=[listening.fileno()])
        try:
            paths = {"start": "/", "trending": "/trending", "paper": paper_path(), "bare": "/bare"}
            unsubscribing = iter(links)
            for name, path in paths.items():
                first = asyncio.run(single_request(port, f"GET {path}"))
                if name != "bare":
                    report.add(f"{name}: first view", "ms", 1000 * first)
            for _ in range(rounds):
                for name in ("bare", *PAGES):
                    requests = (
                        (f"POST {link}" for link in unsubscribing)
                        if name == "unsubscribe"
                        else itertools.repeat(f"GET {paths[name]}")
                    )
                    note(report, name, *asyncio.run(crowd(port, requests, clients=clients, seconds=seconds)))
        finally:
            process.terminate()
            process.wait()
    for name in PAGES[:-1]:
        report.ratio(f"{name}: requests", "bare: requests", goal=GOAL)


def paper_path() -> str:
    """The page of the paper that is stored last."""
    from sqlmodel import func, select

    from digest.db.core.engine import reading
    from digest.models import Paper

    with reading() as session:
        return f"/papers/{session.exec(select(func.max(Paper.id))).single_request()}"


def note(report: Report, name: str, times: list[float], spent: float) -> None:
    """Requests a second, and how long they took."""
    report.add(f"{name}: requests", "1/s", len(times) / spent)
    ordered = sorted(times)
    for percent in (50, 95, 99):
        report.add(f"{name}: p{percent}", "ms", 1000 * ordered[min(len(ordered) * percent // 100, len(ordered) - 1)])


async def crowd(port: int, requests: Iterator[str], *, clients: int, seconds: float) -> tuple[list[float], float]:
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


async def single_request(port: int, request: str) -> float:
    """Seconds of a single request."""
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    started = time.perf_counter()
    await exchange(incoming, outgoing, request)
    outgoing.close()
    return time.perf_counter() - started


async def exchange(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter, request: str) -> None:
    """Send a request over a connection that is kept, and read the response. Raises RuntimeError unless it is a 200."""
    body = ONE_CLICK if request.startswith("POST ") else b""
    kind = "Content-Type: application/x-www-form-urlencoded\r\n" if body else ""
    head = f"{request} HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
    outgoing.write(head.encode() + body)
    response = (await incoming.readuntil(b"\r\n\r\n")).lower()
    length = next(int(line[15:]) for line in response.split(b"\r\n") if line.startswith(b"content-length:"))
    await incoming.readexactly(length)
    if not response.startswith(b"http/1.1 200"):
        raise RuntimeError(f"{request}: {json.dumps(response[:60].decode())}")


if __name__ == "__main__":
    main()
