"""Faults of every kind that last for some seconds. Each begins, and is over when it is ended."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from redis import Redis

from tests.processes import has_ended
from tests.servers import CONTENT, DATA, DROP, GREETING, RCPT
from tests.small_disk import SmallDisk
from tests.soak.moving_postgres import MovingPostgres
from tests.soak.simulated_service import SimulatedService
from tests.soak.soak_database import SqliteFile
from tests.wire_server import half_body

Action = Callable[[], object]
LONGER_THAN_A_LEASE = 30.0  # seconds; LEASE is 20


@dataclass(frozen=True, slots=True)
class TimedFault:
    """`begin`, and `end` after that many seconds."""

    name: str
    seconds: float
    begin: Action
    end: Action = lambda: None


def all_faults(service: SimulatedService, disk: SmallDisk, rng: random.Random) -> list[TimedFault]:
    """One of each kind. The process `steady` gets no signal, so that its memory can be watched."""
    return [
        *_process_faults(service, rng),
        *_server_faults(service, disk),
        *_database_faults(service),
        *_clock_faults(service),
        *_mail_faults(service),
    ]


def _suspension(name: str, seconds: float, find_pids: Callable[[], list[int]]) -> TimedFault:
    """SIGSTOP of the processes that `find_pids` finds, then SIGCONT."""
    stopped: list[int] = []

    def send(signal_number: int) -> None:
        for pid in stopped:
            if not has_ended(pid):
                os.kill(pid, signal_number)

    def begin() -> None:
        stopped[:] = find_pids()
        send(signal.SIGSTOP)

    return TimedFault(f"SIGSTOP of {name}", seconds, begin, lambda: send(signal.SIGCONT))


def _process_faults(service: SimulatedService, rng: random.Random) -> list[TimedFault]:
    sender, builder, scheduler = (service.processes[name] for name in ("sender", "builder", "scheduler"))

    def kill_child() -> None:
        if pids := sender.pids()[1:]:
            sender.send(signal.SIGKILL, pids=[rng.choice(pids)])

    return [
        TimedFault("kill -9 of a sender's child", 1, kill_child),
        TimedFault("kill -9 of a sender's main process", 1, lambda: sender.send(signal.SIGKILL, pids=[sender.pid])),
        TimedFault("kill -9 of the builder", 1, lambda: builder.send(signal.SIGKILL)),
        TimedFault("kill -9 of the scheduler", 1, lambda: scheduler.send(signal.SIGKILL)),
        _suspension("the sender", LONGER_THAN_A_LEASE, sender.pids),
        _suspension("the builder", LONGER_THAN_A_LEASE, builder.pids),
        _suspension("the scheduler", LONGER_THAN_A_LEASE, scheduler.pids),
        TimedFault("SIGTERM of the sender", 1, lambda: sender.send(signal.SIGTERM, pids=[sender.pid])),
        _suspension("Redis", 15, lambda: [service.redis.pid or 0]),
    ]


def _server_faults(service: SimulatedService, disk: SmallDisk) -> list[TimedFault]:
    redis = service.redis

    def kill_redis() -> None:
        if pid := redis.pid:
            os.kill(pid, signal.SIGKILL)

    def free_disk() -> None:
        disk.clear()
        service.database.wait_until_ready()

    return [
        TimedFault("kill -9 of Redis", 5, kill_redis, redis.start),
        TimedFault("Redis emptied", 1, lambda: Redis.from_url(redis.url).flushall()),
        TimedFault("full disk", 15, disk.fill, free_disk),
        TimedFault("no name server", 25, service.no_names.touch, lambda: service.no_names.unlink(missing_ok=True)),
        TimedFault(
            "sources cut in mid-answer",
            20,
            lambda: [service.wire.fail(name, half_body, times=5) for name in ("rss", "oai")],
        ),
    ]


def _database_faults(service: SimulatedService) -> list[TimedFault]:
    database = service.database
    if isinstance(database, SqliteFile):
        return [TimedFault("SQLite locked by another program", 25, database.lock, database.unlock)]
    assert isinstance(database, MovingPostgres)
    return [
        _suspension("PostgreSQL", 15, database.pids),
        TimedFault("kill -9 of PostgreSQL", 4, database.crash, database.wait_until_ready),
        TimedFault("restart of PostgreSQL", 1, database.stop, database.wait_until_ready),
        TimedFault("fail-over of PostgreSQL", 3, database.fail_over, database.wait_until_ready),
    ]


def _clock_faults(service: SimulatedService) -> list[TimedFault]:
    def jump(by: timedelta) -> None:
        service.clock.jump = by
        service.clock.write()

    steps = {"three hours forward": timedelta(hours=3), "three hours back": -timedelta(hours=3),
             "two days forward": timedelta(days=2), "two days back": -timedelta(days=2)}  # fmt: skip
    return [
        TimedFault(f"clock {name}", 25, lambda by=by: jump(by), lambda: jump(timedelta())) for name, by in steps.items()
    ]


def _mail_faults(service: SimulatedService) -> list[TimedFault]:
    smtp = service.smtp

    def answer(stage: str, reply: str, times: int, delay: float = 0.0) -> Action:
        return lambda: smtp.fail(stage, reply, times=times, delay=delay)

    return [
        TimedFault("mail server down", 15, smtp.stop, smtp.start),
        TimedFault("connections cut after the greeting", 15, answer(GREETING, "421 4.3.2 busy", 10), smtp.faults.clear),
        TimedFault("connections cut before DATA", 15, answer(DATA, DROP, 10), smtp.faults.clear),
        TimedFault("connections cut after the last dot", 15, answer(CONTENT, DROP, 8), smtp.faults.clear),
        TimedFault(
            "answers slower than the time-out", 30, answer(CONTENT, "250 2.0.0 late", 2, 14.0), smtp.faults.clear
        ),
        TimedFault("4yz to every recipient", 20, answer(RCPT, "451 4.7.1 greylisted", -1), smtp.faults.clear),
        TimedFault("421 after the content", 15, answer(CONTENT, "421 4.3.2 shutting down", 8), smtp.faults.clear),
        TimedFault("5yz to two recipients", 15, answer(RCPT, "550 5.1.1 no such user", 2), smtp.faults.clear),
        TimedFault("5yz by policy", 15, answer(RCPT, "550 5.7.1 blocked", 10), smtp.faults.clear),
    ]
