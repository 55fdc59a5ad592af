"""An outbox with mails in it, and a composer that writes the same plain mail for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from digest import clock, settings
from digest.db import deliveries
from digest.db.engine import reading, transaction
from digest.deliver import transport
from digest.deliver.outbox import Counts, deliver_due
from digest.models import Delivery
from tests.digest.deliver.plain import PlainLetters


class Outbox:
    """What a test does with the outbox, in its words."""

    def __init__(self) -> None:
        self.letters = PlainLetters()

    def owe(self, *addresses: str, kind: str = "digest", run_id: int | None = None, first: int = 1) -> int:
        owed = [deliveries.Owed(kind, first + place, address, run_id=run_id) for place, address in enumerate(addresses)]
        with transaction() as session:
            return deliveries.owe(session, owed, clock.now())

    def send(self, seconds: float = 10.0) -> Counts:
        return deliver_due(self.letters, settings.get(), seconds=seconds)

    def send_all(self) -> Counts:
        """Pass after pass, until nothing is due."""
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
            return deliveries.states(session)

    def make_due(self, past: timedelta = timedelta(seconds=1)) -> None:
        """As if the waits of all waiting mails were over."""
        self.change(lambda row, now: setattr(row, "due_at", now - past) if row.due_at else None)

    def change(self, change: Callable[[Delivery, datetime], object]) -> None:
        with transaction() as session:
            for row in session.exec(select(Delivery)):
                change(row, clock.now())
                session.add(row)


@pytest.fixture
def outbox(database: str) -> Iterator[Outbox]:
    yield Outbox()
    transport.close_all()


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    with transaction() as open_session:
        yield open_session
