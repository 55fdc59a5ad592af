"""A run of 500 mails with two workers, a child of one killed in the middle. The SMTP server's own log decides."""

from __future__ import annotations

import os
import signal

import pytest

from digest.services.delivery import delivery_worker as delivering
from tests.outbox import Outbox
from tests.patience import wait_for
from tests.servers import MailServer
from tests.workers.conftest import Worker
from workers.enqueue import CeleryEnqueue

MAILS, CONNECTIONS = 500, 4


@pytest.mark.soak
def test_500_mails_and_a_killed_child_lose_nothing_and_double_only_what_was_in_flight(
    outbox: Outbox, smtp: MailServer, worker: Worker, port: CeleryEnqueue
) -> None:
    addresses = [f"r{n}@one.example" for n in range(MAILS)]
    outbox.enqueue(*addresses)
    smtp.delay = 0.02
    second = Worker()

    try:
        port.deliver()
        smtp.wait(lambda server: len(server.log) >= MAILS // 5)
        for child in worker.children():
            os.kill(child, signal.SIGKILL)
        in_flight = outbox.states().get("sending", 0)

        def everything_arrived() -> bool:
            delivering.sweep(port)
            return outbox.states() == {"sent": MAILS}

        wait_for(everything_arrived)
    finally:
        second.end()

    receipts = smtp.recipients()
    assert set(receipts) == set(addresses)
    assert sum(receipts.values()) - MAILS <= in_flight <= 4 * CONNECTIONS
    assert len({received.message_id for received in smtp.log}) == MAILS


@pytest.fixture(autouse=True)
def _settled(dead_senders_found: None, smtp: MailServer) -> None:
    """Whom the workers ask, and how dead ones are found."""
