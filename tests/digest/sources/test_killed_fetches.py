"""`digest ingest` killed in the middle of an answer or between two: the next one stores every paper once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sqlmodel import func, select

from digest.db.core.engine import reading
from digest.models import Announcement, Batch, CrossrefLookup, FeedItem, Paper, PaperVersion, Reject, SourceDay
from digest.services.admin import source_admin
from tests.digest.sources.feed_server import FeedServer, feed, item, work
from tests.digest.sources.pubmed_server import Article, PubmedServer
from tests.digest.sources.test_biorxiv import WEEK, PreprintServer, row
from tests.digest.sources.test_biorxiv import server as preprint_server
from tests.digest.sources.test_pubmed import server as pubmed_server
from tests.forked_processes import ForkedProcess
from tests.patience import PATIENCE, wait_for

__all__ = ["preprint_server", "pubmed_server"]
TABLES = (Paper, PaperVersion, FeedItem, CrossrefLookup, Batch, Announcement, SourceDay, Reject)


def ingest(*arguments: str) -> ForkedProcess:
    """A process of its own that runs `digest ingest`, without the pauses between requests."""
    return ForkedProcess("tests.digest.sources.ingest_main", *arguments)


def kill_when(condition: Callable[[], object], *arguments: str) -> None:
    """End a process of `digest ingest` by SIGKILL as soon as the condition holds."""
    process = ingest(*arguments)
    wait_for(condition)
    process.kill()
    assert process.wait(PATIENCE) < 0


def counts() -> dict[str, int]:
    """The number of rows by table."""
    with reading() as session:
        return {table.__name__: session.exec(select(func.count()).select_from(table)).one() for table in TABLES}


class Stall:
    """A fault of a server: the answer does not come."""

    def __init__(self) -> None:
        self.began, self.released = threading.Event(), threading.Event()

    def __call__(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        self.began.set()
        self.released.wait(PATIENCE)
        return 503, b"", {}


def passing(body: bytes) -> tuple[int, bytes, dict[str, str]]:
    return 200, body, {}


def test_a_feed_killed_in_the_middle_of_its_answer_stores_nothing_and_then_all(server: FeedServer) -> None:
    body = feed(*(item(n, day="") for n in range(4)), item(5, title="Cover Image", day=""))
    server.pages["/feed.xml"] = body
    name = source_admin.add_feed(f"{server.url}/feed.xml", actor="test")[0].name
    places = [0, body.index(b"number 2"), body.index(b"<item>", 1500), len(body) - 1]
    for place in places:
        server.stalls, server.stalled = [place], threading.Event()
        kill_when(server.stalled.is_set, name)
        assert set(counts().values()) == {0}
    codes = [ingest(name).wait(PATIENCE) for _ in range(2)]

    assert codes == [0, 0]
    assert counts() == dict(zip([t.__name__ for t in TABLES], (4, 4, 5, 0, 1, 1, 0, 1), strict=True))


def test_a_feed_killed_while_crossref_completes_it_is_completed_once(server: FeedServer) -> None:
    bare = "<item><title>Synapses {n} grow with use</title><prism:doi>10.1234/exa.{n}</prism:doi></item>"
    server.pages["/feed.xml"] = feed(*(bare.format(n=n) for n in range(3)))
    server.works = {f"10.1234/exa.{n}": work(f"10.1234/exa.{n}", abstract=f"<p>{'Words. ' * 60}</p>") for n in range(3)}
    name = source_admin.add_feed(f"{server.url}/feed.xml", actor="test")[0].name
    stall = Stall()
    server.work_faults = [passing, stall]
    kill_when(stall.began.is_set, name)
    stored_after_kill = set(counts().values())
    stall.released.set()
    code = ingest(name).wait(PATIENCE)

    assert (stored_after_kill, code) == ({0}, 0)
    assert (counts()["Paper"], counts()["CrossrefLookup"], counts()["FeedItem"]) == (3, 3, 3)


def killed_between_pages(faults: list[Any], source: str) -> list[dict[str, int]]:
    """Ingest a day of three pages, killed before the second and before the third; returns the rows after each end."""
    day, results = str(WEEK[0]), []
    for pages in (1, 2):
        stall = Stall()
        faults[:] = [*[passing] * pages, stall]
        kill_when(stall.began.is_set, source, "--from", day, "--to", day)
        stall.released.set()
        faults.clear()
        results.append(counts())
    for _ in range(2):
        assert ingest(source, "--from", day, "--to", day).wait(PATIENCE) == 0
        results.append(counts())
    return results


def test_pubmed_killed_between_two_pages_stores_every_article_once(pubmed_server: PubmedServer) -> None:
    pubmed_server.articles = [Article(number, WEEK[0], doi="" if number % 5 == 0 else None) for number in range(1, 450)]
    first, second, third, fourth = killed_between_pages(pubmed_server.faults["efetch"], "pubmed")

    assert set(first.values()) == set(second.values()) == {0}
    assert (third["Paper"], third["PaperVersion"], third["SourceDay"], third["Batch"]) == (449, 449, 1, 1)
    assert fourth == third


def test_biorxiv_killed_between_two_pages_stores_every_preprint_once(preprint_server: PreprintServer) -> None:
    preprint_server.rows = [row(number, WEEK[0]) for number in range(75)]
    first, second, third, fourth = killed_between_pages(preprint_server.faults, "biorxiv")

    assert set(first.values()) == set(second.values()) == {0}
    assert (third["Paper"], third["PaperVersion"], third["SourceDay"], third["Batch"]) == (75, 75, 1, 1)
    assert fourth == third
