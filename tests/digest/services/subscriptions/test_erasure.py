"""Erasing: no byte of the address is left, in tables, files, or what the database has deleted before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlmodel import select

from digest import clock
from digest.db.core import engine
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.db.subscribers import former_addresses, subscribers
from digest.matching.profile import Profile, Topic
from digest.models import Attempt, Audit, Bounce, Delivery, FormerAddress, Subscriber, Suppression
from digest.services.admin import subscriber_admin
from digest.services.alarms import alarm_rules
from digest.services.runs import retention
from digest.services.subscriptions import csv_import_export, erasure, preference_fields, update_preferences
from digest.services.subscriptions.preference_fields import Preferences
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber, later, store_row
from tests.digest.web.conftest import everything

ADA = "Ada.Byron@unusual-domain.example"
KEY = ADA.lower()
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def leave_traces(number: int, *, crowd: int = 300) -> None:
    """Store many rows with the address, among many others, and change and delete some, as over years of use."""
    run = add_run()
    add_mail(number, run, state="rejected")
    refusal = f"550 5.1.1 <{ADA}> unknown"
    with transaction() as session:
        for place in range(crowd):
            person = ADA if place % 3 == 0 else f"person{place}@one.example"
            session.add(
                Delivery(
                    kind="link",
                    subject_id=place,
                    address=person,
                    domain=person.partition("@")[2],
                    state="sent",
                    created_at=later(),
                    reply=refusal,
                    payload={"to": person, "text": "x" * (place * 7 % 900)},
                    subscriber_id=number if person == ADA else None,
                )
            )
            session.add(Bounce(report_key=f"r{place}", address_key=person.lower(), kind="soft", at=later()))
    with transaction() as session:
        for row in session.exec(select(Delivery).where(Delivery.kind == "link", Delivery.address != ADA)):
            row.reply = ""
        for row in session.exec(select(Delivery).where(Delivery.kind == "link", Delivery.subject_id < 60)):  # type: ignore[assignment]
            session.delete(row)
    for limit in range(1, 20):
        update_preferences.save_preferences(
            number, preference_fields.validate(Preferences, {"topics": f"graphs {limit}", "limit": limit})
        )


def bytes_on_disk(folder: Path) -> list[str]:
    """Files below a folder that hold the address or its domain, whatever the case."""
    needles = (KEY.encode(), b"unusual-domain", b"ada.byron")
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return [file.name for file in files if any(needle in file.read_bytes().lower() for needle in needles)]


@pytest.mark.parametrize("by", ["the command line", "themselves", "the daily upkeep"])
def test_no_byte_of_an_erased_address_is_left(service: str, tmp_path: Path, by: str) -> None:
    number = add_subscriber(ADA, profile=Profile(topics=(Topic("graphs"),)))
    leave_traces(number)
    store_row(Suppression(address_key=KEY, reason="complaint", source=f"report of {ADA}", at=later()))

    if by == "the command line":
        subscriber_admin.erase_subscriber(ADA)
    elif by == "themselves":
        erasure.erase(number)
    else:
        with transaction() as session:
            subscriber = session.get_one(Subscriber, number)
            subscriber.state, subscriber.left_at = "left", clock.now() - timedelta(days=366)
        retention.delete_expired()

    assert KEY not in str(everything()).lower()
    assert "unusual-domain" not in str(everything())
    assert bytes_on_disk(tmp_path) == []


@SQLITE
def test_without_the_rewriting_the_file_would_hold_it(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add_subscriber(ADA)
    leave_traces(number)
    monkeypatch.setattr(erasure, "scrub_deleted", lambda: False)
    erasure.erase(number)

    assert bytes_on_disk(tmp_path) != []
    retention.delete_expired()
    assert bytes_on_disk(tmp_path) == []


@SQLITE
def test_the_file_is_scrubbed_although_others_hold_connections(service: str, tmp_path: Path) -> None:
    number = add_subscriber(ADA)
    leave_traces(number, crowd=30)
    with reading() as session:
        session.exec(select(Subscriber)).all()
    with engine.engine().connect() as other:
        other.exec_driver_sql("SELECT 1")
        other.rollback()
        scrubbed = erasure.erase(number)

    assert scrubbed
    assert bytes_on_disk(tmp_path) == []


@SQLITE
@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
def test_the_demo_s_mailbox_forgets_mails_to_and_about_the_address(service: str, tmp_path: Path, encoding: str) -> None:
    number = add_subscriber(ADA)
    for part in ("tmp", "new", "cur"):
        (tmp_path / "data" / "mailbox" / part).mkdir(parents=True)
    for name, recipient, text in (
        ("1", ADA, "hello"),
        ("2", "root@one.example", f"{ADA} complains"),
        ("3", "b@c.example", "x"),
    ):
        mail = EmailMessage()
        mail["To"] = recipient
        mail.set_content(f"{'long line ' * 20}{text}\n", cte=encoding if encoding != "7bit" else None)
        (tmp_path / "data" / "mailbox" / "new" / name).write_bytes(mail.as_bytes())

    erasure.erase(number)

    assert [file.name for file in (tmp_path / "data" / "mailbox" / "new").iterdir()] == ["3"]


def test_logs_of_a_life_and_its_erasing_do_not_tell_the_address(
    service: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"address,topics\n{ADA},graphs\n")
    csv_import_export.import_file(file, consent=f"a mail from {ADA}")
    with reading() as session:
        subscriber = subscribers.by_key(session, KEY)
        assert subscriber is not None
    leave_traces(subscriber.id or 0, crowd=3)
    erasure.erase(subscriber.id or 0)
    file.unlink()
    printed_text = "".join(capfd.readouterr())

    assert KEY not in printed_text.lower()
    assert KEY not in str(everything()).lower()
    assert bytes_on_disk(tmp_path) == []


def test_a_refusal_that_names_an_address_is_kept_without_it(service: str) -> None:
    with transaction() as session:
        refusal = f"550 5.7.1 <{ADA}>: refused"
        deliveries.pause_domain(session, "one.example", later(hours=1), refusal)
        alarm_rules.alarm_domain_paused(session, "one.example", later(hours=1), refusal, now=clock.now())

    assert KEY not in str(everything()).lower()
    assert "550 5.7.1 <[address]>: refused" in str(everything())


def test_the_suppression_of_an_erased_address_holds_and_outlives_the_key(
    service: str, configured: Callable[..., None]
) -> None:
    number = add_subscriber(ADA)
    store_row(Suppression(address_key=KEY, reason="complaint", at=later()))
    erasure.erase(number)
    configured(SECRET_KEY="another key for tests after a rotation")

    with reading() as session:
        suppression = subscribers.suppression(session, KEY)
        other = subscribers.suppression(session, "bob@one.example")
        stored = session.exec(select(FormerAddress)).one()

    assert suppression is not None
    assert (suppression.reason, stored.suppressed, other) == ("complaint", True, None)
    subscriber_admin.unsuppress_address(ADA)
    with reading() as session:
        assert subscribers.suppression(session, KEY) is None


def test_the_suppression_of_an_erased_address_is_an_ordinary_one_when_it_comes_back(service: str) -> None:
    number = add_subscriber(ADA)
    store_row(Suppression(address_key=KEY, reason="complaint", at=later()))
    erasure.erase(number)
    with transaction() as session:
        subscribers.admit(session, subscribers.parse_address(ADA), now=clock.now())

    with reading() as session:
        assert session.exec(select(Suppression.address_key)).all() == [KEY]
        assert session.exec(select(FormerAddress)).all() == []


def test_people_who_left_are_deleted_after_their_time_and_stay_known_as_a_hash(
    service: str, configured: Callable[..., None]
) -> None:
    configured(RETENTION_LEFT_DAYS=10)
    leaver, recent_leaver, active = (
        add_subscriber(ADA),
        add_subscriber("bob@one.example"),
        add_subscriber("cy@one.example"),
    )
    run = add_run()
    for number in (leaver, recent_leaver, active):
        add_mail(number, run)
        store_row(Audit(at=later(), actor="x", action="add", detail={"subscriber": number}))
    with transaction() as session:
        for number, days in ((leaver, 11), (recent_leaver, 9)):
            row = session.get_one(Subscriber, number)
            row.state, row.left_at = "left", clock.now() - timedelta(days=days)

    retention.delete_expired()
    remaining = everything()

    assert {row[0] for row in remaining["subscriber"]} == {recent_leaver, active}
    assert len(remaining["edition"]) == 2
    assert [row[4]["subscriber"] for row in remaining["audit"]] == [recent_leaver, active]
    with reading() as session:
        former = former_addresses.find_former_address(session, KEY)
    assert former is not None
    assert (former.reason, former.suppressed) == ("left", False)


def test_an_old_audit_goes_but_its_newest_row(service: str, configured: Callable[..., None]) -> None:
    configured(RETENTION_AUDIT_DAYS=30)
    store_row(*(Audit(at=later(days=-days), actor="x", action=str(days), detail={}) for days in (40, 29, 50)))
    retention.delete_expired()

    assert [row[3] for row in everything()["audit"]] == ["29", "50"]


def test_tries_of_an_erased_person_are_forgotten(service: str) -> None:
    number = add_subscriber(ADA)
    store_row(Attempt(action="welcome", key=str(number), at=later()))
    erasure.erase(number)

    assert everything()["attempt"] == []


def test_a_refusal_that_comes_after_the_erasing_does_not_bring_the_address_back(service: str) -> None:
    number = add_subscriber(ADA)
    with transaction() as session:
        row = Delivery(
            kind="link", subject_id=1, address=ADA, domain="x", state="sending", created_at=later(), lease_id=7,
            subscriber_id=number,
        )  # fmt: skip
        session.add(row)
        session.flush()
        values = {name: getattr(row, name) for name in deliveries.ClaimedDelivery._fields if hasattr(row, name)}
    claimed = deliveries.ClaimedDelivery(**values)
    erasure.erase(number, by_administrator=True)

    with transaction() as session:
        refused = deliveries.DeliveryResult(claimed, "rejected", f"550 <{ADA}>", "5.1.1", bounce="hard", suppress=True)
        deliveries.record_results(session, 7, [refused], clock.now())

    assert KEY not in str(everything()).lower()
    with reading() as session:
        assert subscribers.suppression(session, KEY) is not None
