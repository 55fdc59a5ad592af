"""Resends: each is a new mail with a serial of its own, whatever retention has removed; the sent mail is compared."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from sqlmodel import select

from digest import clock
from digest.db.core import installation
from digest.db.core.engine import engine, reading, transaction
from digest.db.outbox import deliveries
from digest.db.outbox.message_ids import DeliveryKey, message_id
from digest.db.outbox.transactional_mail import enqueue_next
from digest.errors import DuplicateDeliveryKey
from digest.models import Audit, Delivery, Installation
from digest.models.delivery import CONFIRMATION, LINK
from digest.queues import NoQueue
from digest.services.delivery.resend_edition import resend
from digest.services.runs import retention
from digest.services.subscriptions.preference_fields import Subscription
from digest.services.subscriptions.sign_up import subscribe
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab
from tests.servers import MailServer

ADA = "ada@example.com"


@pytest.fixture
def sent(lab: Lab, smtp: MailServer) -> Lab:
    """Ada got her edition of Monday."""
    lab.announce(MONDAY, "Linear bandits")
    lab.subscribe("ada", "bandits")
    lab.run(MONDAY)
    assert smtp.recipients() == {ADA: 1}
    return lab


def resend_monday() -> int:
    return resend(ADA, day=MONDAY, actor="a test", enqueue=NoQueue())


def delete_deliveries(*serials: int) -> None:
    """Delete resends as retention does: the first rows, not later ones."""
    with transaction() as session:
        session.execute(delete(Delivery).where(Delivery.kind == "resend", Delivery.serial.in_(serials)))  # type: ignore[attr-defined]


@pytest.mark.parametrize("deleted", [(1,), (2,), (1, 2), (1, 2, 3)], ids=str)
def test_a_resend_after_retention_removed_earlier_ones_is_sent(
    sent: Lab, smtp: MailServer, deleted: tuple[int, ...]
) -> None:
    before = [resend_monday() for _ in range(3)]
    sent.run()
    delete_deliveries(*deleted)

    number = resend_monday()
    sent.run()

    assert (before, number) == ([1, 2, 3], 4)
    assert smtp.recipients() == {ADA: 5}
    assert len({received.message_id for received in smtp.log}) == 5


@MAINLY_SQLITE
def test_a_resend_after_a_years_retention_is_sent(sent: Lab, smtp: MailServer, configured: Callable[..., None]) -> None:
    configured(RETENTION_DAYS=30)
    resend_monday()
    sent.run()
    retention.delete_expired(now=clock.now() + timedelta(days=365))

    number = resend_monday()
    sent.run()

    assert number == 2
    assert smtp.recipients() == {ADA: 3}


def test_resends_at_once_get_different_serials(sent: Lab) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: resend_monday(), range(8)))

    assert sorted(numbers) == list(range(1, 9))


@MAINLY_SQLITE
@pytest.mark.parametrize("kind", [CONFIRMATION, LINK])
def test_serials_of_every_kind_go_on_after_their_rows_are_gone(sent: Lab, kind: str) -> None:
    def owe() -> int:
        with transaction() as session:
            return enqueue_next(session, kind, subject_id=1, address=ADA, now=clock.now())

    first = [owe(), owe()]
    with transaction() as session:
        session.execute(delete(Delivery))

    assert (first, owe()) == ([0, 1], 2)


def test_a_person_who_signs_up_again_after_retention_gets_another_confirmation(sent: Lab, smtp: MailServer) -> None:
    request = Subscription(address="bob@example.com", topics=["bandits"])
    for _ in range(2):
        subscribe(request, "a client", NoQueue())
        sent.set_time(clock.now() + timedelta(hours=2))  # an inbox gets its next confirmation after a while
    sent.run()
    with transaction() as session:
        session.execute(delete(Delivery).where(Delivery.kind == CONFIRMATION, Delivery.serial == 0))  # type: ignore[arg-type]

    subscribe(request, "a client", NoQueue())
    sent.run()

    assert smtp.recipients()["bob@example.com"] == 3


def test_an_insert_that_adds_no_row_is_an_error_and_is_not_audited(sent: Lab) -> None:
    resend_monday()
    with transaction() as session:  # as with a counter that was reset by hand
        session.connection().exec_driver_sql("UPDATE delivery_serial SET last = 0 WHERE kind = 'resend'")

    with pytest.raises(DuplicateDeliveryKey, match="nothing was queued"):
        resend_monday()

    with reading() as session:
        assert len(session.exec(select(Audit).where(Audit.action == "resend")).all()) == 1


def test_owing_a_mail_twice_is_an_error_and_not_a_success(sent: Lab) -> None:
    def owe(*subjects: int) -> None:
        with transaction() as session:
            deliveries.enqueue(
                session, [deliveries.NewDelivery("test", subject, ADA) for subject in subjects], clock.now()
            )

    owe(5)
    with pytest.raises(DuplicateDeliveryKey):
        owe(6, 5)

    assert [(row.kind, row.subject_id) for row in sent.deliveries()][1:] == [("test", 5)]


@MAINLY_SQLITE
def test_the_message_id_that_is_sent_is_the_one_that_derives_from_the_row(sent: Lab, smtp: MailServer) -> None:
    (row,) = sent.deliveries()
    with transaction() as session:
        key = installation.ensure_installation(session.connection())
    derived = DeliveryKey(row.id or 0, row.kind, row.subject_id, row.serial, row.created_at)

    expected = message_id(derived, installation=key, domain="digest.example")

    assert [received.message_id for received in smtp.log] == [expected] == [row.message_id]
    assert f"\r\nMessage-ID: {expected}\r\n".encode() in smtp.log[0].raw.replace(b"\r\n ", b" ")


def test_a_mail_that_an_earlier_version_began_keeps_its_message_id(sent: Lab, smtp: MailServer) -> None:
    earlier = "<resend.1.1@digest.example>"
    resend_monday()
    with transaction() as session:
        session.execute(update(Delivery).where(Delivery.kind == "resend").values(message_id=earlier))  # type: ignore[arg-type]

    sent.run()

    assert smtp.log[1].message_id == earlier


def test_a_second_installation_under_the_same_domain_sends_other_message_ids(sent: Lab, smtp: MailServer) -> None:
    """The same rows at the same instant: only the installation differs."""
    with transaction() as session:
        session.execute(delete(Installation))
        session.connection().exec_driver_sql(
            "UPDATE delivery SET state = 'queued', due_at = created_at, message_id = NULL"
        )

    sent.run()

    first, second = (received.message_id for received in smtp.log)
    assert first != second


def test_the_installations_id_stays_when_it_is_ensured_again(database: str) -> None:
    with engine().begin() as connection:
        installation_ids = [installation.ensure_installation(connection) for _ in range(3)]

    assert len(set(installation_ids)) == 1
    assert len(bytes.fromhex(installation_ids[0])) == 16
