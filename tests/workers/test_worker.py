"""A real Celery worker on a real Redis: tasks carry ids, mail is sent, and killed processes lose nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from digest import redis
from digest.mail.outbox import retry_backoff
from digest.redis import PrivateRedis
from digest.services.delivery import delivery_worker as delivering
from tests.outbox import Outbox
from tests.patience import PATIENCE, wait_for
from tests.servers import MailServer
from tests.workers.conftest import Worker, stub_notes
from workers import enqueue
from workers.enqueue import CeleryEnqueue

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def _short_waits(dead_senders_found: None, smtp: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_backoff, "UNCERTAIN_DELAYS", (timedelta(seconds=0.2),) * 4)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_child_killed_in_the_middle_of_a_run_loses_nothing(
    outbox: Outbox, smtp: MailServer, worker: Worker, port: CeleryEnqueue
) -> None:
    addresses = [f"r{n}@one.example" for n in range(100)]
    outbox.enqueue(*addresses)
    smtp.delay = 0.03

    port.deliver()
    smtp.wait(lambda server: len(server.log) >= 30)
    for child in worker.children():
        os.kill(child, signal.SIGKILL)

    def everything_arrived() -> bool:
        delivering.sweep(port)
        return outbox.states() == {"sent": 100}

    wait_for(everything_arrived)
    receipts = smtp.recipients()
    assert set(receipts) == set(addresses)
    assert sum(receipts.values()) - 100 <= 2 * 4
    assert len({received.message_id for received in smtp.log}) == 100


@SQLITE
def test_redis_emptied_in_the_middle_of_a_run_loses_nothing(
    outbox: Outbox, smtp: MailServer, worker: Worker, port: CeleryEnqueue, redis_server: PrivateRedis
) -> None:
    outbox.enqueue(*(f"r{n}@one.example" for n in range(60)))
    smtp.delay = 0.05

    port.deliver()
    smtp.wait(lambda server: len(server.log) >= 10)
    os.kill(redis_server.pid or 0, signal.SIGKILL)
    wait_for(lambda: redis_server.pid is None)
    port.deliver()  # lost, which is harmless
    redis_server.start()
    outbox.enqueue("late@one.example", first=100)

    def everything_arrived() -> bool:
        delivering.sweep(port)
        return outbox.states() == {"sent": 61}

    wait_for(everything_arrived)
    assert max(smtp.recipients().values()) == 1


@SQLITE
def test_a_task_enqueued_three_times_sends_once(
    outbox: Outbox, smtp: MailServer, worker: Worker, port: CeleryEnqueue
) -> None:
    outbox.enqueue(*(f"r{n}@one.example" for n in range(20)))

    for _ in range(3):
        port.deliver()
    wait_for(lambda: outbox.states() == {"sent": 20})

    assert max(smtp.recipients().values()) == 1


@pytest.fixture
def secret_file(configured: Callable[..., None], tmp_path: Path) -> Path:
    """A file with a setting of a worker that is started afterwards."""
    file = tmp_path / "secret"
    file.write_text("a token for metrics of 32 bytes.\n")
    configured(SECRET_KEY="a key for tests of at least 32 bytes", METRICS_TOKEN_FILE=file)
    return file


@SQLITE
def test_a_process_forked_after_a_change_records_the_settings_that_its_parent_has_read(
    secret_file: Path, worker: Worker, redis_server: PrivateRedis
) -> None:
    store = redis.connect(redis_server.url)

    def recorded(pid: int) -> dict[str, str]:
        return store.file_fingerprints(redis.process_name(pid), redis.WORKER)

    wait_for(lambda: all(map(recorded, worker.children())))
    first_children = set(worker.children())
    before = [recorded(pid) for pid in first_children]
    secret_file.write_text("another token for metrics of 32 bytes.\n")
    for pid in first_children:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(set(worker.children()) - first_children) == 2)
    new_children = set(worker.children()) - first_children
    wait_for(lambda: all(map(recorded, new_children)))

    assert str(secret_file) in before[0]
    assert [recorded(pid) for pid in new_children] == before


@SQLITE
def test_sigterm_drains_what_is_in_flight(
    outbox: Outbox, smtp: MailServer, worker: Worker, port: CeleryEnqueue
) -> None:
    outbox.enqueue(*(f"r{n}@one.example" for n in range(12)))
    smtp.delay = 0.3
    port.deliver()
    smtp.wait(lambda server: server.busy == 4)

    code = worker.end()

    assert code == 0
    assert set(outbox.states()) <= {"sent", "queued"}
    assert max(smtp.recipients().values()) == 1


@SQLITE
def test_tasks_call_their_service_once_with_ids(worker: Worker, port: CeleryEnqueue) -> None:
    port.freeze(7, 0)
    port.freeze(7, 0)
    port.welcome(5)

    wait_for(lambda: len(stub_notes()) == 2)

    assert sorted(stub_notes()) == ["freeze 7 0", "welcome 5"]


@SQLITE
def test_a_shard_that_kills_its_process_is_left_alone_in_the_end(worker: Worker, port: CeleryEnqueue) -> None:
    port.freeze(7, 13)
    wait_for(lambda: len(stub_notes()) == 3)
    port.freeze(7, 0)

    wait_for(lambda: "freeze 7 0" in stub_notes())

    assert stub_notes().count("freeze 7 13") == 3


@SQLITE
def test_without_a_worker_no_worker_is_alive(
    database: str, port: CeleryEnqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue, "PULSE_TIMEOUT_SECONDS", 0.3)

    assert not port.alive()


@SQLITE
def test_a_task_that_a_failing_database_stopped_is_soon_enqueued_again(
    database: str, worker: Worker, port: CeleryEnqueue
) -> None:
    def tried_again() -> bool:
        port.freeze(3, 14)  # as each sweep does; a mark keeps a task that waits from being enqueued again
        return len(stub_notes()) >= 2

    wait_for(tried_again)  # which is shorter than the mark of a task that did not fail

    assert set(stub_notes()) == {"freeze 3 14"}
    assert PATIENCE < enqueue.MARK_SECONDS
