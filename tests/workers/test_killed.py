"""A run of 500 mails with two workers, a child of one killed in the middle. The SMTP server's own log is the judge."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from digest.services.delivery import delivery_worker as delivering
from tests.outbox import Outbox
from tests.servers import MailServer
from tests.workers.conftest import Worker, wait_for
from workers.tasks import CeleryEnqueue

MAILS, CONNECTIONS = 500, 4


@pytest.mark.soak
def test_500_mails_and_a_killed_child_lose_nothing_and_double_only_what_was_in_flight(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None], worker: Worker, port: CeleryEnqueue
) -> None:
    addresses = [f"r{n}@one.example" for n in range(MAILS)]
    outbox.owe(*addresses)
    smtp.delay = 0.02
    second = Worker()

    try:
        port.deliver()
        smtp.wait(lambda server: len(server.log) >= MAILS // 5, seconds=60)
        for child in worker.children():
            os.kill(child, signal.SIGKILL)
        in_flight = outbox.states().get("sending", 0)

        def everything_arrived() -> bool:
            delivering.sweep(port)
            return outbox.states() == {"sent": MAILS}

        wait_for(everything_arrived, seconds=120)
    finally:
        second.end()

    got = smtp.recipients()
    assert set(got) == set(addresses)
    assert sum(got.values()) - MAILS <= in_flight <= 4 * CONNECTIONS
    assert len({taken.message_id for taken in smtp.log}) == MAILS


@pytest.fixture(autouse=True)
def _short_lease(configured: Callable[..., None], smtp: MailServer) -> None:
    configured(CONNECTIONS=CONNECTIONS, MESSAGE_TIMEOUT=1, LEASE=2)
    delivering._sweeper.cache_clear()
