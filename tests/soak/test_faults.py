"""Servers that disconnect, restart, overload and disappear in mid-run: no mail is lost, the final state is exact."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.patience import PATIENCE, wait_for
from tests.servers import CONTENT, DROP, RCPT, MailServer, Postgres
from tests.soak.conftest import BOTH, POSTGRESQL, Fleet, Size, SoakRun

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@POSTGRESQL
@BOTH
def test_connections_cut_after_the_last_dot(run: SoakRun, size: Size) -> None:
    cut = size.faults * 4
    run.enqueue(size.mails)
    run.smtp.fail(CONTENT, DROP, times=cut)
    run.begin()
    run.until_over()

    assert run.lost() == set()
    assert run.doubled() == 0  # connections that were cut got no reply
    assert len(run.smtp.log) == size.mails + cut
    assert all(len(names) == 1 for names in run.names().values())


@POSTGRESQL
@BOTH
def test_the_mail_server_restarts(run: SoakRun, size: Size) -> None:
    run.enqueue(size.mails)
    run.begin()
    for moment in run.moments(Size(size.mails, min(size.faults, 10)), 3):
        run.until_taken(moment)
        run.smtp.stop()
        time.sleep(0.2)
        run.smtp.start()
    run.until_over()

    assert run.lost() == set()
    assert run.doubled() <= 2 * 4 * min(size.faults, 10)
    assert all(len(names) == 1 for names in run.names().values())


@POSTGRESQL
@BOTH
def test_a_storm_of_421(run: SoakRun, size: Size) -> None:
    run.enqueue(size.mails, domains=size.mails)  # each in its own domain, so that no rate applies
    for stage in (RCPT, CONTENT):
        run.smtp.fail(stage, "421 4.3.2 not now", times=size.mails // 6)
    run.begin()
    run.until_over()

    assert run.outbox.states() == {"sent": size.mails}
    assert run.lost() == set()
    assert run.doubled() == 0


@POSTGRESQL
@BOTH
def test_redis_is_killed_and_emptied(run: SoakRun, size: Size) -> None:
    run.enqueue(size.mails)
    run.begin()
    for moment in run.moments(Size(size.mails, min(size.faults, 5)), 5):
        run.until_taken(moment)
        os.kill(run.redis.pid or 0, signal.SIGKILL)
        wait_for(lambda: run.redis.pid is None)
        run.redis.start()
    run.until_over()

    assert run.lost() == set()
    assert run.doubled() == 0


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL that a test may stop; durable, as it is killed."""
    with Postgres(durable=True) as server:
        yield server


@BOTH
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql_restarts(own_postgres: Postgres, run: SoakRun, size: Size) -> None:
    run.enqueue(size.mails)
    run.begin()
    for moment in run.moments(Size(size.mails, min(size.faults, 5)), 9):
        run.until_taken(moment)
        own_postgres.stop()
        time.sleep(0.3)
        own_postgres.start()
    run.until_over()

    assert run.lost() == set()
    assert run.doubled() <= run.in_doubt
    assert all(len(names) == 1 for names in run.names().values())


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> Postgres:
    """The session's server, but for the test that restarts one."""
    if "own_postgres" in request.fixturenames:
        return request.getfixturevalue("own_postgres")
    return request.getfixturevalue("session_postgres")


@pytest.fixture(scope="module")
def session_postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@SQLITE
@BOTH
def test_a_full_disk(run: SoakRun, size: Size, tmp_path: Path) -> None:
    run.enqueue(min(size.mails, 600))
    room = sum(path.stat().st_size for path in tmp_path.glob("digest.db")) + 64 * 1024
    command = [sys.executable, "-m", "tests.soak.limited_main", str(room)]
    environment = {**os.environ, "DIGEST_LEASE": "10"}  # a sender tries to write for as long as its lease
    full = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=PATIENCE, check=False)
    sent_before = len(run.smtp.log)
    run.begin()
    run.until_over()

    assert full.returncode != 0
    assert sent_before < len(run.addresses)
    assert run.lost() == set()
    assert run.doubled() <= 4 + run.in_doubt
    assert all(len(names) == 1 for names in run.names().values())


@POSTGRESQL
@BOTH
def test_sigterm_drains_what_is_in_flight_alone(run: SoakRun, size: Size) -> None:
    run.enqueue(size.mails)
    run.smtp.delay = 1.0
    fleet = run.begin()
    run.until_taken(size.mails // 15)
    code = fleet.end()
    states = run.outbox.states()

    assert code == 0
    assert set(states) == {"sent", "queued"}  # mails in flight ended, and no other was begun
    assert run.doubled() == 0


@POSTGRESQL
@BOTH
def test_two_schedulers_of_which_one_is_killed(run: SoakRun, size: Size) -> None:
    run.enqueue(size.mails)
    both = [Fleet("tests.soak.scheduler_main") for _ in range(2)]
    run.begin()
    try:
        run.smtp.wait(lambda server: len(server.log) >= size.mails // 3)
        both[0].main.kill()
        wait_for(lambda: run.outbox.states() == {"sent": size.mails}, seconds=2 * PATIENCE)
    finally:
        for fleet in both:
            fleet.main.kill()
            fleet.main.wait(PATIENCE)

    assert run.lost() == set()
    assert run.doubled() == 0


@POSTGRESQL
@BOTH
def test_each_task_given_three_times(run: SoakRun, size: Size) -> None:
    from workers.tasks import delivery_tasks

    run.enqueue(size.mails)
    run.begin()
    for _ in range(size.faults):
        for _ in range(3):
            delivery_tasks.deliver.apply_async()
        time.sleep(0.05)
    run.until_over()

    assert run.lost() == set()
    assert run.doubled() == 0


@dataclass(frozen=True, slots=True)
class ReceiverMix:
    """Receivers of every kind: 10 % greylist, 5 % do not exist, 2 % refuse by policy, 10 % are at one slow domain.

    They are scattered: a server that begins with five unknown mailboxes and accepts nothing rests for ten minutes.
    """

    mails: int

    def addresses(self) -> list[str]:
        return [self._address(number) for number in range(self.mails)]

    def _address(self, number: int) -> str:
        remainder = place_in_mix(number)
        if remainder < 10:
            return f"grey{number}@lab{number % 7}.example"
        if remainder < 15:
            return f"gone{number}@lab{number % 7}.example"
        if remainder < 17:
            return f"r{number}@strict{number}.example"
        if remainder >= 90:
            return f"r{number}@slow.example"
        return f"r{number}@lab{number % 7}.example"


def place_in_mix(number: int) -> int:
    """0 to 99, each once in a hundred numbers, neighbours apart."""
    return number * 37 % 100


def unfriendly(server: MailServer, mails: int) -> None:
    for number in range(mails):
        if place_in_mix(number) < 10:
            server.fail(RCPT, "451 4.7.1 Greylisted", address=f"grey{number}@")
    server.fail(RCPT, "550 5.1.1 no such user", address="gone", times=-1)
    server.fail(RCPT, "550 5.7.1 not from you", address="@strict", times=-1)


@POSTGRESQL
@BOTH
def test_everyone_else_is_served_at_full_speed(run: SoakRun, size: Size, configured: Callable[..., None]) -> None:
    configured(DOMAIN_RATES="slow.example=0.005")
    mails = max(size.mails, 200)
    world = ReceiverMix(mails)
    run.addresses = world.addresses()
    unfriendly(run.smtp, mails)
    for first in range(0, mails, 500):
        run.outbox.enqueue(*run.addresses[first : first + 500], first=first + 1)
    run.begin()
    expected = Counter(re.sub(r"\d.*", "", a.partition("@")[0]) for a in run.addresses)
    slow = sum(a.endswith("@slow.example") for a in run.addresses)
    strict = sum("@strict" in a for a in run.addresses)
    others = mails - expected["gone"] - slow - strict

    def others_are_served() -> bool:
        state_counts = Counter(run.outbox.states())
        sent_to_slow = state_counts["sent"] - others
        if not 0 <= sent_to_slow < slow or state_counts["queued"] != slow - sent_to_slow:
            return False
        # Refusals of unknown mailboxes that come before any success may be the server's fault: these wait.
        return (
            state_counts["rejected"] <= expected["gone"]
            and state_counts["rejected"] + state_counts["deferred"] == expected["gone"] + strict
        )

    run.until(others_are_served, seconds=2 * PATIENCE)

    assert run.doubled() == 0
