"""Senders as real processes: several at once, and killed. The SMTP server's own log decides."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import psycopg
import pytest

from digest import settings
from digest.db.core.engine import reading
from digest.db.outbox import leases
from digest.mail.outbox.lease_reaper import LeaseReaper
from digest.models.delivery import SENT, UNCERTAIN
from tests import takeover
from tests.forked_processes import ForkedProcess
from tests.outbox import Outbox
from tests.patience import PATIENCE, wait_for
from tests.processes import state
from tests.servers import MailServer
from tests.takeover import TakeoverClock

CONNECTIONS = 4


def sender() -> ForkedProcess:
    return ForkedProcess("tests.digest.mail.sender_main")


def sweep_until_taken(sweeper: LeaseReaper) -> int:
    takeovers: list[int] = []
    wait_for(lambda: takeovers.append(sweeper.sweep()) or takeovers[-1])
    return takeovers[-1]


@pytest.fixture(autouse=True)
def _connections(configured: Callable[..., None]) -> None:
    configured(CONNECTIONS=CONNECTIONS)


def test_two_senders_at_once_send_each_mail_once(outbox: Outbox, smtp: MailServer) -> None:
    addresses = [f"r{n}@one.example" for n in range(60)]
    outbox.enqueue(*addresses)

    with sender() as first_sender, sender() as other:
        codes = first_sender.wait(PATIENCE), other.wait(PATIENCE)

    assert codes == (0, 0)
    assert smtp.recipients() == dict.fromkeys(addresses, 1)
    assert outbox.states() == {SENT: 60}


def test_a_killed_sender_loses_nothing_and_doubles_only_what_was_in_flight(outbox: Outbox, smtp: MailServer) -> None:
    addresses = [f"r{n}@one.example" for n in range(60)]
    outbox.enqueue(*addresses)
    smtp.delay = 0.02

    with sender() as process:
        smtp.wait(lambda server: len(server.log) >= 20)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    in_flight = outbox.states()["sending"]
    taken_over = sweep_until_taken(takeover.sweeper())
    uncertain = outbox.states()[UNCERTAIN]
    outbox.make_due()
    outbox.send_all()

    receipts = smtp.recipients()
    assert set(receipts) == set(addresses)
    assert sum(receipts.values()) - len(addresses) <= in_flight <= CONNECTIONS
    assert taken_over == uncertain == in_flight
    assert len({received.message_id for received in smtp.log}) == len(addresses)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_with_hold_a_killed_sender_doubles_nothing(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None]
) -> None:
    configured(UNCERTAIN="hold")
    outbox.enqueue(*(f"r{n}@one.example" for n in range(40)))
    smtp.delay = 0.02

    with sender() as process:
        smtp.wait(lambda server: len(server.log) >= 15)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    taken_over = sweep_until_taken(takeover.sweeper())
    outbox.send_all()

    assert max(smtp.recipients().values()) == 1
    assert outbox.states() == {SENT: 40 - taken_over, UNCERTAIN: taken_over}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_stopped_sender_that_resumes_after_the_take_over_does_not_touch_its_mails(
    outbox: Outbox, smtp: MailServer, database: str, configured: Callable[..., None]
) -> None:
    configured(UNCERTAIN="hold")  # otherwise its mails in flight are due again after seconds, and sent
    outbox.enqueue(*(f"r{n}@one.example" for n in range(40)))
    smtp.delay = 1.0
    worker = TakeoverClock()
    sweeper = LeaseReaper(settings.get(), monotonic=worker)

    with sender() as process:
        smtp.wait(lambda server: server.busy == CONNECTIONS)
        _freeze(process, database)
        sweeper.sweep()
        worker.seconds += settings.get().lease
        taken_over = sweeper.sweep()
        smtp.delay = 0.0
        process.send_signal(signal.SIGCONT)
        process.wait(PATIENCE)

    assert 0 < taken_over <= CONNECTIONS
    assert outbox.states() == {UNCERTAIN: taken_over, SENT: 40 - taken_over}
    assert max(smtp.recipients().values()) == 1


def _freeze(process: ForkedProcess, database: str) -> None:
    """Stop it while it waits for answers: in the middle of a transaction nobody could take over from it."""
    busy = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> %s"
    with psycopg.connect(database, autocommit=True) as connection:
        while True:
            process.send_signal(signal.SIGSTOP)
            wait_for(lambda: state(process.pid) == "T")
            if connection.execute(busy, [connection.info.backend_pid]).fetchone() is None:
                return
            process.send_signal(signal.SIGCONT)
            time.sleep(0.01)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_living_sender_is_never_taken_over(outbox: Outbox, smtp: MailServer) -> None:
    """However slow it is: each heartbeat comes as late as allowed, and together they last many leases."""
    outbox.enqueue(*(f"r{n}@one.example" for n in range(64)))
    smtp.delay = 0.05
    worker, taken_over, last = TakeoverClock(), 0, {}
    sweeper = LeaseReaper(settings.get(), monotonic=worker)

    with sender() as process:
        while process.poll() is None:
            taken_over += sweeper.sweep()
            with reading() as session:
                beats = leases.beats(session)
            if beats != last:
                worker.seconds += settings.get().lease / 4
            last = beats

    assert taken_over == 0
    assert worker.seconds > 2 * settings.get().lease
    assert max(smtp.recipients().values()) == 1
