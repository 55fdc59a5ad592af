"""Deletion of deliveries by age."""

from __future__ import annotations

from datetime import timedelta

from digest import clock
from digest.db.core.engine import transaction
from digest.db.outbox import outbox_deletion
from digest.models.delivery import QUEUED
from tests.outbox import Outbox
from tests.servers import RCPT, MailServer


def test_only_old_mails_that_are_over_are_forgotten(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "451 later", address="bob")
    outbox.enqueue("ada@one.example", "bob@one.example")
    outbox.send()
    outbox.enqueue("cyd@one.example", first=3)
    with transaction() as session:
        forgotten = outbox_deletion.delete_finished(session, clock.now() + timedelta(seconds=1))

    assert forgotten == 1
    assert [row.address for row in outbox.rows()] == ["bob@one.example", "cyd@one.example"]
    assert outbox.rows()[1].state == QUEUED
