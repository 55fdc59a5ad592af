"""Message-IDs: one delivery has one for ever, nobody else can make it, and a report that quotes it finds the mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from digest.db.outbox.message_ids import DeliveryKey, message_id, read_message_ids

DELIVERY = DeliveryKey(17, "digest", 7, 0, datetime(2025, 11, 21, 6, 0, 0, 123456, tzinfo=UTC))
KEY = "5f" * 16
NUMBERS = st.integers(1, 2**40)


def made_id(delivery: DeliveryKey = DELIVERY, *, installation: str = KEY) -> str:
    return message_id(delivery, installation=installation, domain="papers.example")


def test_the_same_delivery_has_the_same_message_id_wherever_it_was_read() -> None:
    elsewhere = DELIVERY._replace(created_at=DELIVERY.created_at.astimezone(timezone(timedelta(hours=-9))))

    assert made_id() == made_id(elsewhere)


@given(number=NUMBERS, subject=NUMBERS, serial=st.integers(0, 99), microseconds=st.integers(0, 10**9))
def test_another_delivery_or_installation_or_time_has_another(
    number: int, subject: int, serial: int, microseconds: int
) -> None:
    other = DeliveryKey(number, "digest", subject, serial, DELIVERY.created_at + timedelta(microseconds=microseconds))

    assert (made_id(other) == made_id()) is (other == DELIVERY)
    assert made_id(other) != made_id(other, installation="60" * 16)


def test_a_restored_database_that_gives_the_same_numbers_again_makes_other_message_ids() -> None:
    restored = DELIVERY._replace(created_at=DELIVERY.created_at + timedelta(days=2))

    assert made_id(restored) != made_id()


@given(number=NUMBERS)
def test_a_report_that_quotes_it_names_the_delivery_whatever_became_of_its_case(number: int) -> None:
    text = made_id(DELIVERY._replace(id=number))

    (message_id_read,) = read_message_ids(f"Message-ID: {text.upper()}\r\n")

    assert message_id_read.delivery_id == number
    assert message_id_read.text.lower() == text
    assert message_id_read.domain == "papers.example"


def test_what_earlier_versions_sent_is_still_understood() -> None:
    (message_id_read,) = read_message_ids("In-Reply-To: <resend.301.2@papers.example>")

    assert (message_id_read.delivery_id, message_id_read.key) == (None, ("resend", 301, 2))


def test_a_stamp_of_another_length_is_not_ours() -> None:
    assert not list(read_message_ids(made_id().replace("@", "q@")))
