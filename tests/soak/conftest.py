"""A run under faults: real workers, a real Redis, a real database, checked by the SMTP server's log."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from digest.errors import Transient
from digest.redis import PrivateRedis, connect
from tests import takeover
from tests.conftest import ROOT
from tests.forked_processes import ForkedProcess
from tests.outbox import Outbox
from tests.patience import PATIENCE
from tests.processes import children
from tests.servers import MailServer
from workers import enqueue
from workers.app import app

CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Size:
    """How many mails, and how many times something goes wrong."""

    mails: int
    faults: int


SMALL, SMALL_RUN = Size(120, 3), Size(80, 2)
FULL, FULL_SQLITE = Size(2000, 50), Size(600, 15)
BOTH = pytest.mark.parametrize("size", [SMALL, pytest.param(FULL, marks=pytest.mark.soak)], ids=["small", "full"])
POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def new_interpreter(module: str) -> subprocess.Popen[bytes]:
    """A process that is not forked from the tests' own, so that it loads the library that LD_PRELOAD names."""
    return subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=dict(os.environ))


StartProcess = Callable[[str], "ForkedProcess | subprocess.Popen[bytes]"]


class Fleet:
    """A worker's processes, started again when they are killed."""

    def __init__(self, module: str = "tests.soak.worker_main", start_process: StartProcess = ForkedProcess) -> None:
        self._module, self._start_process = module, start_process
        self.start()

    def start(self) -> None:
        self.main = self._start_process(self._module)

    def children(self) -> list[int]:
        return children(self.main.pid)

    def kill_child(self, rng: random.Random) -> None:
        if child_pids := self.children():
            _kill(rng.choice(child_pids))

    def kill_main(self) -> None:
        """Kill the main process alone; its children notice by themselves."""
        self.main.kill()
        self.main.wait(PATIENCE)
        self.start()

    def end(self) -> int:
        """Send SIGTERM, as a supervisor does."""
        self.main.send_signal(signal.SIGTERM)
        return self.main.wait(PATIENCE)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


class SoakRun:
    """Queued mails, a worker that sends them, and a scheduler's sweep in this process."""

    def __init__(self, outbox: Outbox, smtp: MailServer, redis: PrivateRedis) -> None:
        self.outbox, self.smtp, self.redis = outbox, smtp, redis
        self.sweeper, self.port = takeover.sweeper(), enqueue.enqueue()
        self.addresses: list[str] = []
        self.in_doubt = 0  # mails in flight when their sender died
        self.fleet: Fleet | None = None

    def enqueue(self, mails: int, domains: int = 20) -> None:
        self.addresses = [f"r{n}@lab{n % domains}.example" for n in range(mails)]
        for first in range(0, mails, 500):
            self.outbox.enqueue(*self.addresses[first : first + 500], first=first + 1)

    def begin(self, start_process: StartProcess = ForkedProcess) -> Fleet:
        self.fleet = Fleet(start_process=start_process)
        return self.fleet

    def sweep(self) -> None:
        """Sweep as the scheduler does every few seconds; skipped while the database is down."""
        try:
            self.in_doubt += self.sweeper.sweep()
        except Transient:
            return
        self.port.deliver()

    def until(self, condition: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.outbox.states()}; {len(self.smtp.log)} mails in the server's log")
            self.sweep()
            time.sleep(0.1)

    def until_taken(self, count: int) -> None:
        self.until(lambda: len(self.smtp.log) >= count)

    def until_over(self, *, seconds: float = 2 * PATIENCE, is_held: bool = False) -> None:
        """Wait until no mail waits or is in flight; with `is_held`, uncertain mails stay."""
        unfinished = {"queued", "sending", "deferred"} | (set() if is_held else {"uncertain"})
        self.until(lambda: not unfinished & set(self.outbox.states()), seconds=seconds)

    def moments(self, size: Size, seed: int) -> list[int]:
        """The counts of logged mails at which a fault happens. Held mails may never be logged."""
        margin = 2 * CONNECTIONS * size.faults
        return sorted(random.Random(seed).sample(range(1, max(size.mails - margin, size.mails // 2)), size.faults))

    def lost(self) -> set[str]:
        return set(self.addresses) - set(self.smtp.recipients())

    def doubled(self) -> int:
        return sum(self.smtp.recipients().values()) - len(self.smtp.recipients())

    def names(self) -> dict[str, set[str]]:
        """The Message-IDs by recipient."""
        ids_by_recipient: dict[str, set[str]] = {}
        for received in self.smtp.log:
            ids_by_recipient.setdefault(received.recipient, set()).add(received.message_id)
        return ids_by_recipient


@pytest.fixture
def redis_server(configured: Callable[..., None]) -> Iterator[PrivateRedis]:
    with PrivateRedis() as server:
        configured(REDIS_URL=server.url)
        yield server
        app.pool.force_close_all()
        app.amqp._producer_pool = None


@pytest.fixture
def run(
    outbox: Outbox, smtp: MailServer, redis_server: PrivateRedis, configured: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[SoakRun]:  # fmt: skip
    """No mail is queued yet and no worker runs."""
    configured(CONNECTIONS=CONNECTIONS, LOG_LEVEL="ERROR")
    monkeypatch.setattr(enqueue, "DELIVER_MARK_SECONDS", 2.0)
    monkeypatch.setattr("digest.mail.outbox.retry_backoff.UNCERTAIN_DELAYS", (timedelta(seconds=0.3),) * 4)
    Path(os.environ["DIGEST_DATA_DIR"]).mkdir(exist_ok=True)
    connect(redis_server.url).ping()
    smtp.delay = 0.01
    soak_run = SoakRun(outbox, smtp, redis_server)
    yield soak_run
    if soak_run.fleet is not None:
        for pid in [*soak_run.fleet.children(), soak_run.fleet.main.pid]:
            _kill(pid)
        soak_run.fleet.main.wait(PATIENCE)
