"""Senders as real processes: several at once, and killed. The SMTP server's own log is the judge."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from digest import settings
from digest.mail.outbox.lease_reaper import Sweeper
from digest.models.delivery import SENT, UNCERTAIN
from tests.conftest import ROOT
from tests.outbox import Outbox
from tests.servers import MailServer

CONNECTIONS = 4


@contextmanager
def sender() -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "tests.digest.mail.sender_main"]
    with subprocess.Popen(words, cwd=ROOT, env=dict(os.environ)) as process:
        try:
            yield process
        finally:
            process.kill()


def sweep_until_taken(sweeper: Sweeper) -> int:
    until = time.monotonic() + 15
    while not (taken := sweeper.sweep()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return taken


@pytest.fixture(autouse=True)
def _short_lease(configured: Callable[..., None]) -> None:
    configured(CONNECTIONS=CONNECTIONS, MESSAGE_TIMEOUT=1, LEASE=2)


def test_two_senders_at_once_send_each_mail_once(outbox: Outbox, smtp: MailServer) -> None:
    addresses = [f"r{n}@one.example" for n in range(60)]
    outbox.owe(*addresses)

    with sender() as one, sender() as other:
        codes = one.wait(30), other.wait(30)

    assert codes == (0, 0)
    assert smtp.recipients() == dict.fromkeys(addresses, 1)
    assert outbox.states() == {SENT: 60}


def test_a_killed_sender_loses_nothing_and_doubles_only_what_was_in_flight(outbox: Outbox, smtp: MailServer) -> None:
    addresses = [f"r{n}@one.example" for n in range(60)]
    outbox.owe(*addresses)
    smtp.delay = 0.02

    with sender() as process:
        smtp.wait(lambda server: len(server.log) >= 20)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    in_flight = outbox.states()["sending"]
    taken = sweep_until_taken(Sweeper(settings.get()))
    uncertain = outbox.states()[UNCERTAIN]
    outbox.make_due()
    outbox.send_all()

    got = smtp.recipients()
    assert set(got) == set(addresses)
    assert sum(got.values()) - len(addresses) <= in_flight <= CONNECTIONS
    assert taken == uncertain == in_flight
    assert len({taken.message_id for taken in smtp.log}) == len(addresses)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_with_hold_a_killed_sender_doubles_nothing(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None]
) -> None:
    configured(UNCERTAIN="hold")
    outbox.owe(*(f"r{n}@one.example" for n in range(40)))
    smtp.delay = 0.02

    with sender() as process:
        smtp.wait(lambda server: len(server.log) >= 15)
        process.send_signal(signal.SIGKILL)
    held = sweep_until_taken(Sweeper(settings.get()))
    outbox.send_all()

    assert max(smtp.recipients().values()) == 1
    assert outbox.states() == {SENT: 40 - held, UNCERTAIN: held}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_frozen_sender_that_thaws_after_the_take_over_leaves_its_mails_alone(
    outbox: Outbox, smtp: MailServer
) -> None:
    outbox.owe(*(f"r{n}@one.example" for n in range(40)))
    smtp.delay = 0.6

    with sender() as process:
        smtp.wait(lambda server: server.busy == CONNECTIONS)
        time.sleep(0.2)  # its transaction is over; it waits for answers
        process.send_signal(signal.SIGSTOP)
        sweep_until_taken(Sweeper(settings.get()))
        smtp.delay = 0.0
        process.send_signal(signal.SIGCONT)
        process.wait(20)

    assert outbox.states() == {UNCERTAIN: CONNECTIONS, SENT: 40 - CONNECTIONS}
    assert max(smtp.recipients().values()) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_living_sender_is_never_taken_over(outbox: Outbox, smtp: MailServer) -> None:
    outbox.owe(*(f"r{n}@one.example" for n in range(32)))
    smtp.delay = 0.4
    sweeper = Sweeper(settings.get())

    with sender() as process:
        taken = 0
        while process.poll() is None:
            taken += sweeper.sweep()
            time.sleep(0.1)

    assert taken == 0
    assert max(smtp.recipients().values()) == 1
