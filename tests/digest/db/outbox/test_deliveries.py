"""Pauses of domains."""

from __future__ import annotations

from datetime import timedelta

from digest import clock
from digest.db.core.engine import transaction
from digest.db.outbox import deliveries
from tests.outbox import Outbox
from tests.servers import MailServer


def test_a_paused_domain_goes_on_when_the_pause_is_over(outbox: Outbox, smtp: MailServer) -> None:
    outbox.enqueue("ada@one.example")
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", clock.now() + timedelta(hours=1), "5.7.1 no")
    during = outbox.send()
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", clock.now() - timedelta(seconds=1), "5.7.1 no")
    outbox.make_due()

    after = outbox.send()

    assert (during.sent, after.sent) == (0, 1)


def test_a_paused_domain_is_no_work_that_waits(outbox: Outbox) -> None:
    outbox.enqueue("ada@one.example")
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", clock.now() + timedelta(hours=1), "5.7.1 no")
        paused = deliveries.is_due(session, clock.now())
        resumed = deliveries.resume_domain(session, "one.example", clock.now())
        due = deliveries.is_due(session, clock.now())

    assert (paused, resumed, due) == (False, True, True)
