"""Mails that are held for a decision."""

from __future__ import annotations

from digest import clock
from digest.db.core.engine import transaction
from digest.db.outbox import held_mail
from digest.models.delivery import SENT
from tests.outbox import Outbox
from tests.servers import CONTENT, DROP, MailServer


def test_a_held_mail_goes_out_when_it_is_released(outbox: Outbox, smtp: MailServer, run_id: int) -> None:
    smtp.fail(CONTENT, DROP, address="ada")
    outbox.send()
    outbox.change(lambda row, _: setattr(row, "due_at", None))
    with transaction() as session:
        held_rows = held_mail.held_deliveries(session, run_id)
        released = held_mail.release_held(session, [row.id or 0 for row in held_rows], clock.now())

    outbox.send()

    assert released == 1
    assert outbox.states() == {SENT: 2}
