"""An outbox for tests, and a composer that writes the same few lines for every delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlmodel import col, select

from digest import clock, settings
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.db.outbox.deliveries import ClaimedDelivery
from digest.mail.mime.composer_interface import OutgoingMessage, WithheldMail
from digest.mail.outbox.sender import SendCounts, deliver_due
from digest.models import Delivery

BODY = b"Subject: papers\r\n\r\n.one dot\r\n..two dots\r\n\r\nGood-bye.\r\n"


def as_claimed(row: Delivery) -> ClaimedDelivery:
    """A delivery as a sender claims it."""
    row.message_id = row.message_id or f"<{row.kind}.{row.subject_id}.{row.serial}@digest.example>"
    return ClaimedDelivery(*[getattr(row, name) for name in ClaimedDelivery._fields])


class PlainComposer:
    """A Composer. `withheld`: the reason by address that gets no mail; `failing`: addresses that can't be composed."""

    def __init__(self, *_: object) -> None:
        self.withheld: dict[str, WithheldMail] = {}
        self.failing: set[str] = set()

    def compose(self, deliveries: Sequence[ClaimedDelivery]) -> Iterator[tuple[int, OutgoingMessage | WithheldMail]]:
        return ((row.id, self._compose_row(row)) for row in deliveries if row.address not in self.failing)

    def _compose_row(self, row: ClaimedDelivery) -> OutgoingMessage | WithheldMail:
        if row.address in self.withheld:
            return self.withheld[row.address]
        raw = f"Message-ID: {row.message_id}\r\nTo: {row.address}\r\n".encode() + BODY
        return OutgoingMessage(f"bounce+{row.id}@digest.example", row.address, raw, row.message_id)


class Outbox:
    """The outbox operations that tests need."""

    def __init__(self) -> None:
        self.composer = PlainComposer()

    def enqueue(self, *addresses: str, kind: str = "digest", run_id: int | None = None, first: int = 1) -> int:
        new_deliveries = [
            deliveries.NewDelivery(kind, first + place, address, run_id=run_id)
            for place, address in enumerate(addresses)
        ]
        with transaction() as session:
            return deliveries.enqueue(session, new_deliveries, clock.now())

    def send(self, seconds: float = 10.0) -> SendCounts:
        return deliver_due(self.composer, settings.get(), seconds=seconds)

    def send_all(self) -> SendCounts:
        """Run passes until nothing is due."""
        counts = self.send()
        while counts.more:
            counts += self.send()
        return counts

    def rows(self) -> Sequence[Delivery]:
        with reading() as session:
            return session.exec(select(Delivery).order_by(col(Delivery.id))).all()

    def row(self) -> Delivery:
        (only,) = self.rows()
        return only

    def states(self) -> dict[str, int]:
        with reading() as session:
            return deliveries.count_by_state(session)

    def make_due(self, past: timedelta = timedelta(seconds=1)) -> None:
        """As if the waits of all waiting mails were over."""
        self.change(lambda row, now: setattr(row, "due_at", now - past) if row.due_at else None)

    def change(self, change: Callable[[Delivery, datetime], object]) -> None:
        with transaction() as session:
            for row in session.exec(select(Delivery)):
                change(row, clock.now())
                session.add(row)
