"""A private Redis and real worker processes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from digest.redis import PrivateRedis
from digest.services.delivery import delivery_worker as delivering
from tests import takeover
from tests.forked_processes import ForkedProcess
from tests.packaging.conftest import clean, namesakes, played, wheel
from tests.patience import PATIENCE, wait_for
from tests.processes import children
from tests.workers import stubs
from workers.app import app
from workers.enqueue import CeleryEnqueue, enqueue

__all__ = ["clean", "namesakes", "played", "wheel"]  # fixtures of `test_demo`, which looks at the demo of those tests


@pytest.fixture
def redis_server(configured: Callable[..., None]) -> Iterator[PrivateRedis]:
    """A real Redis; the settings point to it."""
    with PrivateRedis() as server:
        configured(REDIS_URL=server.url)
        yield server
        app.pool.force_close_all()
        app.amqp._producer_pool = None


@pytest.fixture
def port(redis_server: PrivateRedis) -> CeleryEnqueue:
    return enqueue()


class Worker:
    """A worker process and its children."""

    def __init__(self, module: str = "worker_main", *more: str) -> None:
        self.process = ForkedProcess(f"tests.workers.{module}", *more)

    def children(self) -> list[int]:
        return children(self.process.pid)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()


@pytest.fixture
def dead_senders_found(configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep takes over from ended senders without waiting for their lease, and from no living one."""
    configured(CONNECTIONS=4)
    sweeper = takeover.sweeper()
    monkeypatch.setattr(delivering, "_sweeper", lambda: sweeper)


@pytest.fixture
def worker(database: str, redis_server: PrivateRedis, port: CeleryEnqueue) -> Iterator[Worker]:
    """A real worker that answers already."""
    stubs.notes().parent.mkdir(exist_ok=True)
    running_worker = Worker()
    try:
        wait_for(port.alive)
        yield running_worker
    finally:
        running_worker.process.kill()
        running_worker.process.wait(PATIENCE)


def stub_notes() -> list[str]:
    """The calls of the stubs, in order."""
    path = stubs.notes()
    return path.read_text().splitlines() if path.exists() else []
