"""From the scheduler's tick to stored papers: a real scheduler, a real Redis, a real worker, the sources' own forms."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import redis
from sqlmodel import SQLModel, select

from digest import clock
from digest.db.core.engine import reading
from digest.models import Batch, FeedItem, Novelty, Paper, PaperSummary
from digest.redis import PrivateRedis, connect
from digest.services.admin import source_admin
from digest.services.ingestion import source_status
from digest.sources import arxiv_calendar
from tests.chat_server import ChatServer, chat_server, completion
from tests.combinations import MAINLY_SQLITE
from tests.digest.sources import feed_server
from tests.digest.sources.conftest import CATEGORIES, WEEK, real_days
from tests.digest.sources.feed_server import FeedServer
from tests.patience import PATIENCE, wait_for
from tests.wire_server import WireServer
from tests.workers.conftest import Worker
from workers import scheduler
from workers.enqueue import CeleryEnqueue


@pytest.fixture
def feed(shared: Path, configured: Callable[..., None]) -> Iterator[WireServer]:
    """A server whose feed holds real papers as the announcement that is due by now."""
    with WireServer() as server:
        server.today = arxiv_calendar.newest(clock.now(), arxiv_calendar.feed_at)
        server.works = [replace(work, day=server.today) for work in real_days(shared, 40, WEEK[:1])]
        configured(**server.settings, ARXIV_CATEGORIES=",".join(CATEGORIES), SOURCES="arxiv-rss", SOURCE_PATIENCE=5)
        yield server


def test_the_scheduler_s_tick_makes_a_worker_store_and_measure_what_is_due(
    feed: WireServer, worker: Worker, port: CeleryEnqueue, redis_server: PrivateRedis
) -> None:
    jobs = {"sources": (0.5, partial(scheduler.enqueue_due_fetches, port))}
    running_scheduler = scheduler.create_scheduler(
        jobs, scheduler.LeaderLock(connect(redis_server.url), "a"), now=datetime.now(UTC)
    )
    running_scheduler.start()

    wait_for(lambda: _count(Novelty) == 40)
    running_scheduler.shutdown()

    assert _count(Paper) == 40
    assert len(feed.requests_to("rss")) == 1
    assert [status.state for status in source_status.source_statuses()] in (["on time"], ["quiet"])


@pytest.fixture
def journal(configured: Callable[..., None]) -> Iterator[FeedServer]:
    """A server of a journal's feed of four papers."""
    with feed_server.serving() as server:
        configured(SOURCES="", FEED_PRIVATE_HOSTS="127.0.0.1", CROSSREF_URL=server.url)
        server.pages["/feed.xml"] = feed_server.feed(*(feed_server.item(number, day="") for number in range(4)))
        yield server


@MAINLY_SQLITE
def test_a_worker_killed_in_the_middle_of_a_feed_leaves_nothing_and_the_next_one_stores_all_papers_once(
    journal: FeedServer, worker: Worker, port: CeleryEnqueue, redis_server: PrivateRedis
) -> None:
    name = source_admin.add_feed(f"{journal.url}/feed.xml", actor="test")[0].name
    journal.stalls = [journal.pages["/feed.xml"].index(b"number 2")]
    port.ingest(name)
    wait_for(journal.stalled.is_set)
    for process in (*worker.children(), worker.process.pid):
        os.kill(process, signal.SIGKILL)
    worker.process.wait(PATIENCE)
    stored_after_kill = [_count(table) for table in (Paper, FeedItem, Batch)]
    redis.Redis.from_url(redis_server.url).flushdb()  # as the leases and marks of the killed worker end with time
    second = Worker()
    try:
        wait_for(port.alive)
        port.ingest(name)
        wait_for(lambda: _count(Novelty) == 4)
        port.ingest(name)
        wait_for(lambda: connect(redis_server.url).mark(f"ingest:{name}", 60))
    finally:
        second.end()

    assert stored_after_kill == [0, 0, 0]
    assert [_count(table) for table in (Paper, FeedItem, Batch)] == [4, 4, 1]


@MAINLY_SQLITE
def test_a_source_fetched_since_its_task_was_enqueued_is_not_fetched_again(
    feed: WireServer, worker: Worker, port: CeleryEnqueue, redis_server: PrivateRedis
) -> None:
    port.ingest("arxiv-rss")
    wait_for(lambda: _count(Novelty) == 40)

    port.ingest("arxiv-rss")  # as a scheduler does that looked just before the first task ended
    wait_for(lambda: connect(redis_server.url).mark("ingest:arxiv-rss", 60))  # the second has ended

    assert len(feed.requests_to("rss")) == 1


@pytest.fixture
def chat(configured: Callable[..., None]) -> Iterator[ChatServer]:
    """An endpoint that writes a line about each paper."""
    with chat_server(lambda _title: completion("The authors did what their title says.")) as server:
        configured(SUMMARY_URL=server.url, SUMMARY_MODEL="small-model")
        yield server


@MAINLY_SQLITE
def test_a_worker_asks_the_configured_endpoint_after_papers_were_fetched(
    feed: WireServer, chat: ChatServer, worker: Worker, port: CeleryEnqueue
) -> None:
    port.ingest("arxiv-rss")

    wait_for(lambda: _count(PaperSummary) == 40)
    assert len(chat.bodies) == 40


def _count(table: type[SQLModel]) -> int:
    with reading() as session:
        return len(session.exec(select(table)).all())
