"""Retention: old rows are deleted, waiting and recent ones stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.models import AdminLogin, Attempt, Bounce, Delivery, DomainPause
from digest.services.runs import retention
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber, bounces, later, store_row
from tests.outbox import Outbox


def age(outbox: Outbox, days: int) -> None:
    outbox.change(lambda row, now: setattr(row, "created_at", now - timedelta(days=days)))


def test_old_deliveries_go_with_their_addresses(service: str, outbox: Outbox, configured: Callable[..., None]) -> None:
    configured(RETENTION_DAYS=30)
    ada, run = add_subscriber("ada@one.example"), add_run()
    add_mail(ada, run)
    age(outbox, 31)
    young = add_mail(add_subscriber("bob@one.example"), run)

    deleted = retention.delete_expired()

    assert deleted == 1
    assert [row.id for row in outbox.rows()] == [young]


def test_what_waits_is_never_forgotten(service: str, outbox: Outbox) -> None:
    add_mail(add_subscriber("ada@one.example"), add_run(), state="uncertain", is_held=True)
    age(outbox, 1000)

    assert retention.delete_expired() == 0


def test_more_than_one_transaction_may_be_needed(service: str, outbox: Outbox) -> None:
    now = clock.now() - timedelta(days=500)
    with transaction() as session:
        session.add_all(
            Delivery(kind="test", subject_id=n, address="a@b.example", domain="b.example", state="sent", created_at=now)
            for n in range(retention.ROWS_PER_TRANSACTION + 10)
        )

    assert retention.delete_expired() == retention.ROWS_PER_TRANSACTION + 10


def test_old_reports_tries_and_pauses_go(service: str) -> None:
    store_row(
        Bounce(report_key="old", address_key="ada@one.example", kind="soft", at=later(days=-401)),
        Bounce(report_key="new", address_key="bob@one.example", kind="soft", at=later(days=-1)),
        Attempt(action="sign-up", key="x", at=later(days=-3)),
        AdminLogin(address="root@digest.example", asked_at=later(days=-3), link_expires_at=later(days=-3)),
        AdminLogin(address="ops@digest.example", asked_at=later(hours=-11), link_expires_at=later(hours=-10)),
        DomainPause(domain="one.example", until=later(days=-3), reason="5.7.1"),
        DomainPause(domain="two.example", until=later(hours=3), reason="5.7.1"),
    )

    deleted = retention.delete_expired()

    assert deleted == 4
    assert bounces() == [("bob@one.example", "soft")]
    with reading() as session:
        assert session.get(DomainPause, "two.example") is not None
