"""A private Redis and real worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from digest.redis import PrivateRedis
from tests.conftest import ROOT
from tests.workers import stubs
from workers import tasks
from workers.app import app


@pytest.fixture
def redis_server(configured: Callable[..., None]) -> Iterator[PrivateRedis]:
    """A real Redis; the settings point to it."""
    with PrivateRedis() as server:
        configured(REDIS_URL=server.url)
        yield server
        app.pool.force_close_all()
        app.amqp._producer_pool = None


@pytest.fixture
def port(redis_server: PrivateRedis) -> tasks.CeleryEnqueue:
    return tasks.enqueue()


class Worker:
    """A worker process and its children."""

    def __init__(self, module: str = "worker_main", *more: str) -> None:
        words = [sys.executable, "-m", f"tests.workers.{module}", *more]
        self.process = subprocess.Popen(words, cwd=ROOT, env=dict(os.environ))

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def end(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()


@pytest.fixture
def worker(database: str, redis_server: PrivateRedis, port: tasks.CeleryEnqueue) -> Iterator[Worker]:
    """A real worker that answers already."""
    stubs.notes().parent.mkdir(exist_ok=True)
    made = Worker()
    try:
        wait_for(port.alive)
        yield made
    finally:
        made.process.kill()
        made.process.wait(20)


def wait_for(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.05)


def noted() -> list[str]:
    """What the stand-ins were asked, in order."""
    path = stubs.notes()
    return path.read_text().splitlines() if path.exists() else []
