"""Two workers on machines of their own, one of which is cut off in mid-run and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from digest.db.core import engine
from digest.redis import find_server
from digest.redis.embedded_server import start_guarded
from tests.conftest import ROOT, make_tables
from tests.outbox import Outbox
from tests.patience import PATIENCE, wait_for
from tests.servers import MailServer, Postgres
from tests.soak.network_namespaces import NamespaceNetwork

MAILS = 300
LEASE_SECONDS = 15
REDIS_PORT = 6390


@dataclass(slots=True)
class Machines:
    """The hub's servers, and the environment of the workers."""

    network: NamespaceNetwork
    smtp: MailServer
    outbox: Outbox

    def start(self, module: str, number: int | None) -> subprocess.Popen[bytes]:
        """Start a test process on that machine, without a number in the hub."""
        command = [sys.executable, "-m", module]
        if number is None:
            with self.network.in_hub():
                return subprocess.Popen(start_guarded(command), cwd=ROOT)
        hub = self.network.hub_address(number)
        environment = {
            **os.environ,
            "DIGEST_DATABASE_URL": f"postgresql://digest@{hub}/{_database_name()}",
            "DIGEST_REDIS_URL": f"redis://{hub}:{REDIS_PORT}",
            "DIGEST_SMTP_URL": f"smtp://{hub}:{self.smtp.port}?tls=none",
        }
        return subprocess.Popen(start_guarded(self.network.command(number, command)), cwd=ROOT, env=environment)


def _database_name() -> str:
    return os.environ["DIGEST_DATABASE_URL"].partition("?")[0].rpartition("/")[2]


@pytest.fixture
def network() -> Iterator[NamespaceNetwork]:
    with NamespaceNetwork(2) as namespaces:
        yield namespaces


@pytest.fixture
def machines(network: NamespaceNetwork, tmp_path: Path, configured: Callable[..., None]) -> Iterator[Machines]:
    socket = tmp_path / "redis.sock"
    redis_command = [str(find_server()), "--port", str(REDIS_PORT), "--protected-mode", "no", "--save", ""]
    with network.in_hub(), Postgres(durable=True, listen="*") as postgres, MailServer(host="0.0.0.0") as smtp:
        redis = subprocess.Popen(
            start_guarded([*redis_command, "--unixsocket", str(socket)]), stdout=subprocess.DEVNULL, cwd=tmp_path
        )
        try:
            wait_for(socket.exists)
            configured(DATABASE_URL=postgres.new_database(make_tables), REDIS_URL=f"unix://{socket}", SMTP_URL=smtp.url,
                       MAIL_FROM="Papers <papers@digest.example>", LEASE=LEASE_SECONDS, MESSAGE_TIMEOUT=8,
                       CONNECTIONS=4, LOG_LEVEL="ERROR")  # fmt: skip
            Path(os.environ["DIGEST_DATA_DIR"]).mkdir(exist_ok=True)
            smtp.delay = 0.05
            yield Machines(network, smtp, Outbox())
            engine.engine().dispose()
        finally:
            redis.terminate()
            redis.wait(PATIENCE)


@pytest.fixture
def processes(machines: Machines) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The scheduler in the hub, and a worker on each machine."""
    workers = [machines.start("tests.soak.worker_main", number) for number in (1, 2)]
    running = [machines.start("tests.soak.scheduler_main", None), *workers]
    yield running
    for process in running:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)


@pytest.mark.soak
def test_a_worker_that_is_cut_off_is_replaced_and_comes_back(
    machines: Machines, processes: list[subprocess.Popen[bytes]]
) -> None:
    outbox, smtp = machines.outbox, machines.smtp
    addresses = [f"r{n}@lab{n % 20}.example" for n in range(MAILS)]
    outbox.enqueue(*addresses)
    smtp.wait(lambda server: len(server.log) >= MAILS // 5)
    machines.network.pull_cable(1)
    cut_at = time.monotonic()
    sent_at_cut = len(smtp.log)
    wait_for(lambda: outbox.states() == {"sent": MAILS}, state=outbox.states)
    seconds = time.monotonic() - cut_at
    doubts = {row.message_id: row.doubts for row in outbox.rows()}
    receipts = _receipts_by_message_id(smtp)

    machines.network.plug_in(1)
    processes[2].terminate()  # the other one: what is queued now is for the one that was cut off
    processes[2].wait(PATIENCE)
    more = [f"again{n}@lab{n % 20}.example" for n in range(40)]
    outbox.enqueue(*more, first=MAILS + 1)
    wait_for(lambda: outbox.states() == {"sent": MAILS + 40}, state=outbox.states)

    print(
        f"{sent_at_cut} mails before the cut; all sent {seconds:.0f} s after it; {sum(doubts.values())} were uncertain"
    )
    assert set(smtp.recipients()) == {*addresses, *more}
    assert sum(doubts.values()) > 0
    assert all(receipts[message_id] <= 1 + doubt for message_id, doubt in doubts.items() if message_id)
    assert all(count == 1 for name, count in _receipts_by_message_id(smtp).items() if not doubts.get(name))


def _receipts_by_message_id(smtp: MailServer) -> dict[str, int]:
    counts: dict[str, int] = {}
    for received in smtp.log:
        counts[received.message_id] = counts.get(received.message_id, 0) + received.answered
    return counts
