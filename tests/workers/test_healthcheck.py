"""A process is healthy when it makes progress, not when it only exists."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from digest.errors import Transient
from digest.redis import PrivateRedis, connect
from tests.patience import PATIENCE, wait_for
from tests.workers.conftest import Worker
from workers import healthcheck
from workers.healthcheck import Process, check_process
from workers.scheduler import LeaderLock, create_scheduler

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long time limits, for checks that must succeed."""
    monkeypatch.setattr(healthcheck, "MAX_PROGRESS_AGE_SECONDS", PATIENCE)
    monkeypatch.setattr(healthcheck, "WORKER_TIMEOUT_SECONDS", PATIENCE)


@pytest.fixture
def impatient(_patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short time limits, for checks that must fail."""
    monkeypatch.setattr(healthcheck, "MAX_PROGRESS_AGE_SECONDS", 0.5)
    monkeypatch.setattr(healthcheck, "WORKER_TIMEOUT_SECONDS", 2.0)


@SQLITE
def test_a_worker_that_takes_tasks_is_healthy_again_and_again(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healthcheck, "MAX_PROGRESS_AGE_SECONDS", 0.0)  # at each task
    lines = [check_process(Process.worker) for _ in range(2)]

    assert all(line.startswith("worker: progress") for line in lines)


@SQLITE
def test_a_frozen_worker_is_not_healthy_though_another_machine_works(
    worker: Worker, redis_server: PrivateRedis, impatient: None
) -> None:
    pids = [*worker.children(), worker.process.pid]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(2 * healthcheck.MAX_PROGRESS_AGE_SECONDS)  # earlier progress does not count any more
    connect(redis_server.url).record_progress("another-machine:1")

    try:
        with pytest.raises(Transient, match="did not react within"):
            check_process(Process.worker)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_without_a_worker_nothing_is_healthy(redis_server: PrivateRedis, impatient: None) -> None:
    with pytest.raises(Transient, match="did not react within 2 s"):
        check_process(Process.worker)


@pytest.mark.parametrize("leads", [True, False])
def test_a_scheduler_is_healthy_whether_it_leads_or_waits(redis_server: PrivateRedis, leads: bool) -> None:
    store, holder = connect(redis_server.url), f"{socket.gethostname()}:1"
    if not leads:
        LeaderLock(connect(redis_server.url), "another-machine:1").acquire()
    scheduler = create_scheduler({"tick": (0.05, lambda: None)}, LeaderLock(store, holder), now=datetime.now(UTC))
    scheduler.start()
    wait_for(lambda: bool(store.progress("scheduler")))

    line = check_process(Process.scheduler)
    scheduler.shutdown()

    assert re.fullmatch(r"scheduler: progress \d+ s ago", line)


def test_a_scheduler_that_never_did_anything_is_not_healthy(redis_server: PrivateRedis) -> None:
    with pytest.raises(Transient, match="the scheduler did nothing"):
        check_process(Process.scheduler)


def test_web_is_not_healthy_where_nobody_listens(configured: Callable[..., None]) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        configured(PORT=listener.getsockname()[1])

        with pytest.raises(Transient, match="web does not answer on port"):
            check_process(Process.web)
