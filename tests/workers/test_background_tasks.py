"""Polls and look-ups from the scheduler's job to their effect, through a real scheduler, Redis and worker."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from digest.errors import Transient
from digest.models.subscriber import WAITING
from digest.redis import PrivateRedis, connect, find_server
from digest.services.security import signed_links
from digest.services.subscriptions import example_papers
from digest.web.app import build
from digest.web.wiring import page_services
from tests.benchmarks.sink import free_port
from tests.combinations import MAINLY_SQLITE
from tests.digest.cli.test_bounces import enqueue_mails, proved
from tests.digest.services.conftest import Lab, lab, service
from tests.digest.services.stored_rows import suppressed
from tests.digest.services.subscriptions.lookup_server import KNOWN, MISSING, lookup_server
from tests.digest.web.conftest import Browser, RecordingQueue, path
from tests.imap_server import PASSWORD, USER, SmallImapServer
from tests.patience import PATIENCE, wait_for
from tests.workers.conftest import Worker
from workers import scheduler
from workers.app import configure
from workers.enqueue import CeleryEnqueue

__all__ = ["lab", "service"]


@pytest.fixture
def run_job(redis_server: PrivateRedis) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Runs a job again and again in a scheduler that leads."""
    leader, running = scheduler.LeaderLock(connect(redis_server.url), "a"), []

    def start(job: Callable[[], object]) -> None:
        new = scheduler.create_scheduler({"job": (0.5, job)}, leader, now=datetime.now(UTC))
        new.start()
        running.append(new)

    yield start
    for started in running:
        started.shutdown()


@pytest.fixture
def imap(service: str, configured: Callable[..., None]) -> Iterator[SmallImapServer]:
    with SmallImapServer() as server:
        configured(BOUNCE_IMAP_HOST="127.0.0.1", BOUNCE_IMAP_PORT=server.port, BOUNCE_IMAP_TLS="none",
                   BOUNCE_IMAP_USER=USER, BOUNCE_IMAP_PASSWORD=PASSWORD)  # fmt: skip
        yield server


@MAINLY_SQLITE
def test_a_bounce_in_the_imap_folder_has_its_effect_and_so_has_the_next(
    imap: SmallImapServer, worker: Worker, port: CeleryEnqueue, run_job: Callable[[Callable[[], object]], None]
) -> None:
    first, second = enqueue_mails(2)
    imap.deliver(proved(first))
    run_job(port.poll_bounces)
    wait_for(lambda: set(suppressed()) == {"r1@one.example"})

    imap.deliver(proved(second))

    wait_for(lambda: len(suppressed()) == 2)
    assert set(suppressed()) == {"r1@one.example", "r2@one.example"}


@pytest.fixture
def pasted(lab: Lab, configured: Callable[..., None]) -> Iterator[None]:
    """A subscriber has pasted two identifiers, one of which arXiv knows."""
    with lookup_server() as server:
        configured(ARXIV_API_URL=f"{server.url}/api/query", OPENALEX_URL=server.url)
        lab.subscribe("ada", "offline reinforcement learning")
        web = Browser(build(RecordingQueue(), page_services()))
        form = {"action": "import-papers", "library_text": f"{KNOWN}\n{MISSING}"}
        web.post(path(signed_links.preferences(1)), data=form)
        yield


@MAINLY_SQLITE
def test_examples_of_which_only_the_identifier_is_known_are_looked_up(
    pasted: None, worker: Worker, port: CeleryEnqueue, run_job: Callable[[Callable[[], object]], None]
) -> None:
    run_job(port.look_up)

    wait_for(lambda: all(example.lookup != WAITING for example in example_papers.list_examples(1)))
    assert any(example.title == f"Offline learning {KNOWN}" for example in example_papers.list_examples(1))


@pytest.fixture
def tcp_redis(tmp_path: Path) -> Iterator[str]:
    """A Redis that listens at a port, as one on another machine does."""
    port = free_port()
    command = [str(find_server()), "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_for(lambda: _answers(f"redis://127.0.0.1:{port}"))
    yield f"redis://127.0.0.1:{port}"
    process.terminate()
    process.wait(PATIENCE)


def _answers(url: str) -> bool:
    try:
        connect(url).ping()
    except Transient:
        return False
    return True


def test_a_worker_that_waits_for_tasks_notices_within_half_a_minute_that_redis_is_gone(tcp_redis: str) -> None:
    with configure(tcp_redis).connection() as connection:
        client = connection.default_channel.client
        tcp_connection = client.connection_pool.get_connection()
        option = partial(tcp_connection._sock.getsockopt, socket.IPPROTO_TCP)

        assert tcp_connection._sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert option(socket.TCP_KEEPIDLE) + option(socket.TCP_KEEPINTVL) * option(socket.TCP_KEEPCNT) <= 30
        assert option(socket.TCP_USER_TIMEOUT) <= 30_000
        client.connection_pool.release(tcp_connection)
