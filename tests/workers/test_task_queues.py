"""The queues: urgent tasks wait for no others, and a queue without a worker is detected."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from digest.errors import BadInput, Transient
from digest.queues import QUEUES
from digest.redis import PrivateRedis, RedisStore, connect, queue_kind
from digest.redis.store import PREFIX
from digest.services.admin import doctor
from digest.services.delivery import delivery_worker as delivering
from tests.outbox import Outbox
from tests.patience import PATIENCE, wait_for
from tests.processes import has_ended
from tests.servers import MailServer
from tests.workers import stubs
from tests.workers.conftest import Worker, stub_notes
from workers import app, enqueue, healthcheck
from workers.app import configure
from workers.enqueue import CeleryEnqueue
from workers.healthcheck import Process, check_process
from workers.task_queues import WorkerPool, default_pools, parse_pools, queues_of_pools

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
WELCOMES, SECONDS_A_WELCOME = 400, "1"  # half of them take 200 s
Start = Callable[..., Worker]


@pytest.fixture
def start(database: str, smtp: MailServer, dead_senders_found: None, redis_server: PrivateRedis) -> Iterator[Start]:
    """Starts `digest worker` with stubs of the services."""
    stubs.notes().parent.mkdir(exist_ok=True)
    started: list[Worker] = []

    def begin(*queues: str) -> Worker:
        started.append(Worker("pool_main", *queues))
        return started[-1]

    yield begin
    for worker in started:
        worker.process.kill()
        worker.process.wait(PATIENCE)


@pytest.mark.parametrize(
    ("text", "pools"),
    [
        ("delivery", [WorkerPool(("delivery",), 1)]),
        ("delivery=2, selection=12", [WorkerPool(("delivery",), 2), WorkerPool(("selection",), 12)]),
        ("ingestion+background", [WorkerPool(("ingestion", "background"), 1)]),
        ("background + delivery =3", [WorkerPool(("background", "delivery"), 3)]),
    ],
)
def test_queues_are_read_as_they_are_documented(text: str, pools: list[WorkerPool]) -> None:
    assert parse_pools(text) == pools


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no queue ''"),
        ("deliver", "there is no queue 'deliver'; there are delivery, selection, ingestion, background"),
        ("delivery,", "there is no queue ''"),
        ("delivery=0", "'delivery=0': the number of processes must be from 1 to 256"),
        ("delivery=many", "the number of processes must be"),
        ("delivery=٣", "the number of processes must be"),
        ("delivery=257", "the number of processes must be"),
        ("delivery+selection,selection", "selection is named twice"),
    ],
)
def test_what_can_not_be_read_is_named(text: str, message: str) -> None:
    with pytest.raises(BadInput) as error:
        parse_pools(text)

    assert message in str(error.value)


def test_every_queue_is_served_by_default_and_delivery_by_its_own_processes() -> None:
    assert sorted(queues_of_pools(default_pools())) == sorted(QUEUES)
    assert default_pools()[0].queues == ("delivery",)
    assert [pool.processes for pool in parse_pools(None, processes=3)] == [3, 3, 3]


@pytest.mark.parametrize(
    "queues", ["delivery,selection,ingestion+background", "background+ingestion+selection,delivery"]
)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_delivery_behind_hundreds_of_welcomes_goes_out_before_most_of_them(
    outbox: Outbox,
    smtp: MailServer,
    start: Start,
    port: CeleryEnqueue,
    monkeypatch: pytest.MonkeyPatch,
    queues: str,
) -> None:
    monkeypatch.setenv("TEST_SECONDS_A_WELCOME", SECONDS_A_WELCOME)
    for subscriber_id in range(WELCOMES):
        port.welcome(subscriber_id)
    outbox.enqueue("ada@one.example", "bob@one.example")
    port.deliver()

    start(queues)
    smtp.wait(lambda server: len(server.log) == 2)

    assert len(stub_notes()) < WELCOMES // 2


@SQLITE
def test_in_one_process_for_all_a_delivery_goes_before_hundreds_of_welcomes(
    outbox: Outbox, smtp: MailServer, start: Start, port: CeleryEnqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SECONDS_A_WELCOME", SECONDS_A_WELCOME)
    for subscriber_id in range(WELCOMES):
        port.welcome(subscriber_id)
    outbox.enqueue("ada@one.example")
    port.deliver()

    start("delivery+selection+ingestion+background")
    smtp.wait(lambda server: len(server.log) == 1)

    assert len(stub_notes()) < WELCOMES // 2


@SQLITE
def test_the_days_editions_go_before_the_welcomes_of_an_import(
    start: Start, port: CeleryEnqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SECONDS_A_WELCOME", "0.2")
    for subscriber_id in range(200):
        port.welcome(subscriber_id)
    port.freeze(7, 0)

    start("selection")
    wait_for(lambda: "freeze 7 0" in stub_notes())

    assert len(stub_notes()) <= 2


@SQLITE
def test_a_welcome_waits_in_the_queue_once_however_long_it_waits(
    start: Start, port: CeleryEnqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue, "DELIVER_MARK_SECONDS", 0.05)
    for _ in range(3):
        port.welcome(5)
        time.sleep(0.1)

    start("selection")
    wait_for(lambda: bool(stub_notes()))
    port.freeze(7, 0)
    wait_for(lambda: "freeze 7 0" in stub_notes())

    assert stub_notes().count("welcome 5") == 1


@SQLITE
def test_a_task_that_found_no_broker_can_be_enqueued_again(
    start: Start, port: CeleryEnqueue, redis_server: PrivateRedis
) -> None:
    configure("unix:///nowhere/redis.sock")
    port.welcome(5)
    configure(redis_server.url)
    app.app.pool.force_close_all()
    app.app.amqp._producer_pool = None

    port.welcome(5)
    start("selection")
    wait_for(stub_notes)

    assert stub_notes() == ["welcome 5"]


@SQLITE
def test_a_shard_that_kills_its_pool_is_given_again_and_left_alone_in_the_end(
    start: Start, port: CeleryEnqueue
) -> None:
    start("selection,delivery")
    port.freeze(7, 13)
    wait_for(lambda: len(stub_notes()) == 3)
    port.freeze(7, 0)

    wait_for(lambda: "freeze 7 0" in stub_notes())

    assert stub_notes().count("freeze 7 13") == 3


@SQLITE
def test_a_pool_killed_in_the_middle_of_a_run_loses_nothing(
    outbox: Outbox, smtp: MailServer, start: Start, port: CeleryEnqueue
) -> None:
    addresses = [f"r{n}@one.example" for n in range(60)]
    outbox.enqueue(*addresses)
    smtp.delay = 0.03
    worker = start("delivery,selection")
    wait_for(port.alive)

    port.deliver()
    smtp.wait(lambda server: len(server.log) >= 10)
    for child in worker.children():
        os.kill(child, signal.SIGKILL)

    def everything_arrived() -> bool:
        delivering.sweep(port)
        return outbox.states() == {"sent": 60}

    wait_for(everything_arrived)
    assert set(smtp.recipients()) == set(addresses)


@SQLITE
def test_sigterm_drains_every_pool(outbox: Outbox, smtp: MailServer, start: Start, port: CeleryEnqueue) -> None:
    outbox.enqueue(*(f"r{n}@one.example" for n in range(12)))
    smtp.delay = 0.3
    worker = start("delivery,selection")
    wait_for(port.alive)
    port.deliver()
    smtp.wait(lambda server: server.busy == 4)

    code = worker.end()

    assert code == 0
    assert set(outbox.states()) <= {"sent", "queued"}
    assert max(smtp.recipients().values()) == 1


@SQLITE
def test_a_killed_worker_takes_its_pools_along(start: Start, port: CeleryEnqueue) -> None:
    worker = start("delivery,selection")
    wait_for(port.alive)
    pids = worker.children()

    worker.process.kill()
    worker.process.wait(PATIENCE)

    wait_for(lambda: all(has_ended(pid) for pid in pids))
    assert len(pids) == 2


@SQLITE
def test_a_queue_that_nobody_serves_is_an_error_of_the_doctor_and_nobody_is_alive(
    start: Start, port: CeleryEnqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue, "PULSE_TIMEOUT_SECONDS", 0.5)
    start("selection,ingestion+background")
    wait_for(lambda: not port._silent_queues(("selection", "ingestion", "background"), 60))

    queues = [finding for finding in doctor.run_checks() if finding.name == "queues"]
    levels = {finding.text.partition(":")[0]: finding.level for finding in queues}

    assert levels == {"delivery": "error", "selection": "ok", "ingestion": "ok", "background": "ok"}
    assert not port.alive()


@SQLITE
def test_what_a_worker_served_is_forgotten_when_it_ends_in_order(start: Start, port: CeleryEnqueue) -> None:
    worker = start("delivery,selection")
    wait_for(port.alive)

    worker.end()

    assert port._silent_queues(QUEUES, 60) == list(QUEUES)


def as_if_hours_had_passed(store: RedisStore, queue: str) -> None:
    """Move the last progress of the queue's processes into the past."""
    key = f"{PREFIX}progress:{queue_kind(queue)}"
    for name, score in store._client.zrange(key, 0, -1, withscores=True):
        store._client.zadd(key, {name: score - 7200})


@SQLITE
def test_a_frozen_pool_is_not_healthy_though_the_others_of_its_worker_are(
    start: Start, port: CeleryEnqueue, redis_server: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(healthcheck, "MAX_PROGRESS_AGE_SECONDS", PATIENCE)
    monkeypatch.setattr(healthcheck, "WORKER_TIMEOUT_SECONDS", PATIENCE)
    worker = start("delivery,selection")
    wait_for(port.alive)
    healthy = check_process(Process.worker)
    store = connect(redis_server.url)
    wait_for(lambda: min(store.progress(queue_kind("delivery")).values()) > 1)  # it is not in the middle of a task
    frozen = worker.children()[0]
    os.kill(frozen, signal.SIGSTOP)
    as_if_hours_had_passed(store, "delivery")  # not for the other queue, which makes progress

    try:
        monkeypatch.setattr(healthcheck, "WORKER_TIMEOUT_SECONDS", 2.0)
        with pytest.raises(Transient, match=r"did not react within 2 s \(queues: delivery\)"):
            check_process(Process.worker)
    finally:
        monkeypatch.setattr(healthcheck, "WORKER_TIMEOUT_SECONDS", PATIENCE)
        os.kill(frozen, signal.SIGCONT)

    assert healthy.endswith("(delivery, selection)")
    assert check_process(Process.worker, ["selection"]).endswith("(selection)")
    with pytest.raises(BadInput, match="there is no queue 'mail'"):
        check_process(Process.worker, ["mail"])
