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
from tests.outbox import Outbox
from tests.patience import PATIENCE
from tests.processes import children
from tests.servers import MailServer
from workers import tasks
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


class Fleet:
    """A worker's processes, started again when they are killed."""

    def __init__(self, module: str = "tests.soak.worker_main") -> None:
        self._module = module
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-m", self._module]
        self.main = subprocess.Popen(words, cwd=ROOT, env=dict(os.environ))

    def children(self) -> list[int]:
        return children(self.main.pid)

    def kill_child(self, chance: random.Random) -> None:
        if found := self.children():
            _kill(chance.choice(found))

    def kill_main(self) -> None:
        """Kill the main process alone; its children notice by themselves."""
        self.main.kill()
        self.main.wait(PATIENCE)
        self.start()

    def end(self) -> int:
        """Send SIGTERM, as a supervisor does."""
        self.main.terminate()
        return self.main.wait(PATIENCE)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


class Run:
    """Queued mails, a worker that sends them, and a scheduler's sweep in this process."""

    def __init__(self, outbox: Outbox, smtp: MailServer, redis: PrivateRedis) -> None:
        self.outbox, self.smtp, self.redis = outbox, smtp, redis
        self.sweeper, self.port = takeover.sweeper(), tasks.enqueue()
        self.addresses: list[str] = []
        self.in_doubt = 0  # mails in flight when their sender died
        self.fleet: Fleet | None = None

    def owe(self, mails: int, domains: int = 20) -> None:
        self.addresses = [f"r{n}@lab{n % domains}.example" for n in range(mails)]
        for first in range(0, mails, 500):
            self.outbox.owe(*self.addresses[first : first + 500], first=first + 1)

    def begin(self) -> Fleet:
        self.fleet = Fleet()
        return self.fleet

    def sweep(self) -> None:
        """Sweep as the scheduler does every few seconds; skipped while the database is down."""
        try:
            self.in_doubt += self.sweeper.sweep()
        except Transient:
            return
        self.port.deliver()

    def until(self, condition: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
        over = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > over:
                raise TimeoutError(f"{self.outbox.states()}; {len(self.smtp.log)} mails in the server's log")
            self.sweep()
            time.sleep(0.1)

    def until_taken(self, count: int) -> None:
        self.until(lambda: len(self.smtp.log) >= count)

    def until_over(self, *, seconds: float = 2 * PATIENCE, held: bool = False) -> None:
        """Wait until no mail waits or is in flight; with `is_held`, uncertain mails stay."""
        left = {"queued", "sending", "deferred"} | (set() if held else {"uncertain"})
        self.until(lambda: not left & set(self.outbox.states()), seconds=seconds)

    def moments(self, size: Size, seed: int) -> list[int]:
        """The counts of logged mails at which a fault happens. Held mails may never be logged."""
        held = 2 * CONNECTIONS * size.faults
        return sorted(random.Random(seed).sample(range(1, max(size.mails - held, size.mails // 2)), size.faults))

    def lost(self) -> set[str]:
        return set(self.addresses) - set(self.smtp.recipients())

    def doubled(self) -> int:
        return sum(self.smtp.recipients().values()) - len(self.smtp.recipients())

    def names(self) -> dict[str, set[str]]:
        """The Message-IDs by recipient."""
        found: dict[str, set[str]] = {}
        for taken in self.smtp.log:
            found.setdefault(taken.recipient, set()).add(taken.message_id)
        return found


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
) -> Iterator[Run]:  # fmt: skip
    """No mail is queued yet and no worker runs."""
    configured(CONNECTIONS=CONNECTIONS, LOG_LEVEL="ERROR")
    monkeypatch.setattr(tasks, "SECONDS_TO_DELIVER", 2.0)
    monkeypatch.setattr("digest.mail.outbox.retry_backoff.IN_DOUBT", (timedelta(seconds=0.3),) * 4)
    Path(os.environ["DIGEST_DATA_DIR"]).mkdir(exist_ok=True)
    connect(redis_server.url).ping()
    smtp.delay = 0.01
    made = Run(outbox, smtp, redis_server)
    yield made
    if made.fleet is not None:
        for pid in [*made.fleet.children(), made.fleet.main.pid]:
            _kill(pid)
        made.fleet.main.wait(PATIENCE)
