"""The states of a delivery, each reached through a real SMTP session, on both databases."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import delete
from sqlmodel import select

from digest import clock
from digest.db.core import disk_space
from digest.db.core.engine import reading, transaction
from digest.errors import DuplicateDeliveryKey, Transient
from digest.mail.mime.composer_interface import WithheldMail
from digest.mail.outbox import sender as outboxes
from digest.models import Bounce, DomainPause, Suppression
from digest.models.delivery import DEFERRED, QUEUED, REJECTED, SENT, SUPPRESSED, UNCERTAIN
from tests.outbox import BODY, Outbox
from tests.servers import CONTENT, DATA, DROP, GREETING, MAIL, RCPT, MailServer


def test_a_due_mail_is_sent_once(outbox: Outbox, smtp: MailServer) -> None:
    outbox.enqueue("ada@one.example")

    outbox.send()
    outbox.send()

    assert smtp.recipients() == {"ada@one.example": 1}
    assert outbox.states() == {SENT: 1}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_mail_is_sent_while_the_disk_has_no_room_for_its_result(
    outbox: Outbox, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.enqueue("ada@one.example")
    with monkeypatch.context() as patch:
        patch.setattr(disk_space, "MAIL_RESERVE_BYTES", 1 << 62)
        with pytest.raises(Transient, match="are free for the database"):
            outbox.send()
    assert (smtp.recipients(), outbox.states()) == ({}, {QUEUED: 1})

    outbox.send()

    assert smtp.recipients() == {"ada@one.example": 1}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_disk_that_fills_up_during_a_pass_ends_it_with_all_results_recorded(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(CONNECTIONS=1)
    outbox.enqueue(*(f"r{n}@one.example" for n in range(5)))
    monkeypatch.setattr(disk_space, "has_mail_reserve", lambda: not smtp.log)

    outbox.send()

    assert outbox.states() == {SENT: len(smtp.log), QUEUED: 5 - len(smtp.log)}
    assert 0 < len(smtp.log) < 5


def test_the_bytes_arrive_as_they_were_composed(outbox: Outbox, smtp: MailServer) -> None:
    outbox.enqueue("ada@one.example")

    outbox.send()

    assert smtp.log[0].raw.endswith(BODY)
    assert smtp.log[0].sender == f"bounce+{outbox.row().id}@digest.example"


def test_owing_a_mail_again_is_an_error_and_sends_nothing_more(outbox: Outbox, smtp: MailServer) -> None:
    outbox.enqueue("ada@one.example")
    with pytest.raises(DuplicateDeliveryKey):
        outbox.enqueue("ada@one.example")

    outbox.send()

    assert len(smtp.log) == 1


def test_many_mails_reuse_few_connections(outbox: Outbox, smtp: MailServer, configured: Callable[..., None]) -> None:
    configured(CONNECTIONS=3)
    outbox.enqueue(*(f"r{n}@one.example" for n in range(40)))

    counts = outbox.send()

    assert counts.sent == 40
    assert smtp.sessions <= 3


def test_never_more_mails_are_in_flight_than_connections(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None]
) -> None:
    configured(CONNECTIONS=4)
    smtp.delay = 0.02
    outbox.enqueue(*(f"r{n}@one.example" for n in range(30)))

    outbox.send()

    assert 1 < smtp.most_busy <= 4


def test_urgent_mail_overtakes_the_days_mail(outbox: Outbox, smtp: MailServer, configured: Callable[..., None]) -> None:
    configured(CONNECTIONS=1)
    outbox.enqueue(*(f"r{n}@one.example" for n in range(3)))
    outbox.enqueue("new@one.example", kind="confirmation")

    outbox.send()

    assert smtp.log[0].recipient == "new@one.example"


@pytest.mark.parametrize("stage", [RCPT, DATA, CONTENT])
def test_not_now_is_tried_again_later(outbox: Outbox, smtp: MailServer, stage: str) -> None:
    smtp.fail(stage, "451 4.7.1 greylisted")
    outbox.enqueue("ada@one.example")

    outbox.send()
    deferred = outbox.row()
    outbox.make_due()
    outbox.send()

    assert deferred.state == DEFERRED
    assert deferred.due_at is not None
    assert timedelta(seconds=40) < deferred.due_at - clock.now() < timedelta(seconds=80)
    assert outbox.row().state == SENT


def test_a_mail_is_given_up_after_a_day_without_suppression(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "451 4.2.1 busy", times=-1)
    outbox.enqueue("ada@one.example")
    deferrals = 0

    while outbox.row().state != REJECTED:
        outbox.make_due()
        deferrals += outbox.send().deferred

    with reading() as session:
        bounce = session.exec(select(Bounce)).one()
        suppressed = session.exec(select(Suppression)).all()
    assert 10 < deferrals < 24
    assert bounce.kind == "soft"
    assert suppressed == []


@pytest.mark.parametrize("stage", [RCPT, DATA, CONTENT])
def test_never_is_rejected_and_counts_as_a_bounce(outbox: Outbox, smtp: MailServer, stage: str) -> None:
    smtp.fail(stage, "550 5.2.1 mailbox disabled")
    outbox.enqueue("ada@one.example")

    outbox.send()

    with reading() as session:
        bounce = session.exec(select(Bounce)).one()
        suppressed = session.exec(select(Suppression)).all()
    assert outbox.row().state == REJECTED
    assert (bounce.kind, bounce.status, bounce.report_key) == ("soft", "5.2.1", f"session:{outbox.row().id}")
    assert suppressed == []


def test_an_unknown_address_is_suppressed(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "550 5.1.1 no such user")
    outbox.enqueue("Ada@One.example")

    outbox.send()

    with reading() as session:
        bounce = session.exec(select(Bounce)).one()
        suppression = session.exec(select(Suppression)).one()
    assert outbox.row().state == REJECTED
    assert bounce.kind == "hard"
    assert suppression.address_key == "ada@one.example"


def test_a_refusal_with_nul_characters_is_stored_without_them(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "550 5.1.1 User \0unknown")
    outbox.enqueue("ada@one.example")
    outbox.send()

    assert outbox.row().state == REJECTED
    assert "User unknown" in outbox.row().reply


@pytest.mark.parametrize("reply", ["550 5.1.8 sender's domain not found", "550 relay not permitted"])
def test_a_refusal_about_us_is_no_subscribers_fault(outbox: Outbox, smtp: MailServer, reply: str) -> None:
    smtp.fail(RCPT, reply)
    outbox.enqueue("ada@one.example")

    counts = outbox.send()

    with reading() as session:
        pause = session.exec(select(DomainPause)).one()
        bounces = session.exec(select(Bounce)).all()
    assert (outbox.row().state, outbox.row().attempts) == (DEFERRED, 0)
    assert counts.paused
    assert pause.domain == "one.example"
    assert bounces == []


def test_what_is_refused_because_of_us_is_tried_for_two_weeks(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "550 relay not permitted", times=-1)
    outbox.enqueue("ada@one.example")
    outbox.change(lambda row, now: setattr(row, "created_at", now - timedelta(days=13, hours=23)))
    outbox.send()
    almost = outbox.row().state
    outbox.change(lambda row, now: setattr(row, "created_at", now - timedelta(days=14, hours=1)))
    outbox.change(lambda row, now: setattr(row, "due_at", now))
    with transaction() as session:
        session.exec(delete(DomainPause))

    outbox.send()

    with reading() as session:
        bounces = session.exec(select(Bounce)).all()
    assert almost == DEFERRED
    assert (outbox.row().state, outbox.row().reply[:21]) == (REJECTED, "gave up after 14 days")
    assert bounces == []


def test_a_temporary_refusal_without_a_reason_ends_after_a_day_and_suppresses_no_address(
    outbox: Outbox, smtp: MailServer
) -> None:
    smtp.fail(RCPT, "451 4.3.0 try later", times=-1)
    outbox.enqueue("ada@one.example")

    while outbox.row().state != REJECTED:
        outbox.make_due()
        outbox.send()

    with reading() as session:
        assert session.exec(select(Bounce)).all() == []


def test_a_permanent_refusal_without_a_reason_is_held_for_two_weeks_and_suppresses_no_address(
    outbox: Outbox, smtp: MailServer
) -> None:
    smtp.fail(RCPT, "550 no", times=-1)
    outbox.enqueue("ada@one.example")
    for _ in range(30):
        outbox.make_due()
        outbox.send()
    after_many_tries = outbox.row().state
    outbox.change(lambda row, now: setattr(row, "created_at", now - timedelta(days=14, hours=1)))
    outbox.make_due()

    outbox.send()

    with reading() as session:
        assert session.exec(select(Bounce)).all() == []
        assert session.exec(select(DomainPause)).all() == []
    assert (after_many_tries, outbox.row().state) == (DEFERRED, REJECTED)


def test_another_server_takes_what_the_first_does_not_relay(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None]
) -> None:
    with MailServer() as second:
        smtp.fail(RCPT, "550 5.7.1 relaying denied", times=-1)
        configured(SMTP_URL=f"{smtp.url},{second.url}")
        outbox.enqueue("ada@one.example")

        counts = outbox.send()

        assert (counts.sent, len(second.log)) == (1, 1)


def test_a_refusal_by_policy_pauses_the_domain_alone(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(CONTENT, "550 5.7.26 unauthenticated", address="@strict.example", times=-1)
    outbox.enqueue("ada@strict.example")
    outbox.send()
    outbox.enqueue("bob@strict.example", "cyd@mild.example", first=2)

    outbox.send()

    with reading() as session:
        pause = session.exec(select(DomainPause)).one()
        suppressed = session.exec(select(Suppression)).all()
    assert [row.state for row in outbox.rows()] == [DEFERRED, QUEUED, SENT]
    assert pause.domain == "strict.example"
    assert suppressed == []


@pytest.mark.parametrize("stage", [GREETING, MAIL])
def test_trouble_of_our_server_costs_the_mail_no_try(outbox: Outbox, smtp: MailServer, stage: str) -> None:
    smtp.fail(stage, "554 5.3.2 not today", times=-1)
    outbox.enqueue("ada@one.example")

    counts = outbox.send()

    assert counts.trouble
    assert (outbox.row().state, outbox.row().attempts) == (DEFERRED, 0)


def test_mail_waits_while_no_server_listens(outbox: Outbox, smtp: MailServer) -> None:
    smtp.stop()
    outbox.enqueue("ada@one.example")

    down = outbox.send()
    smtp.start()
    outbox.make_due()
    up = outbox.send()

    assert down.trouble
    assert not down.more
    assert up.sent == 1


def test_the_second_server_takes_over_from_the_first(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None]
) -> None:
    with MailServer() as second:
        smtp.fail(GREETING, "421 4.3.2 shutting down", times=-1)
        configured(SMTP_URL=f"{smtp.url},{second.url}")
        outbox.enqueue("ada@one.example", "bob@one.example")

        counts = outbox.send()

        assert counts.sent == len(second.log) == 2
        assert not counts.trouble


@pytest.mark.parametrize("stage", [MAIL, RCPT, DATA])
def test_a_connection_lost_before_the_354_is_safe(outbox: Outbox, smtp: MailServer, stage: str) -> None:
    smtp.fail(stage, DROP)
    outbox.enqueue("ada@one.example")

    outbox.send()

    assert outbox.row().state == DEFERRED
    assert outbox.row().doubts == 0


def test_a_connection_lost_after_the_last_dot_is_uncertain(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(CONTENT, DROP)
    outbox.enqueue("ada@one.example")

    counts = outbox.send()

    assert counts.uncertain == 1
    assert (outbox.row().state, outbox.row().doubts) == (UNCERTAIN, 1)


def test_no_answer_in_time_is_uncertain(outbox: Outbox, smtp: MailServer, configured: Callable[..., None]) -> None:
    configured(MESSAGE_TIMEOUT=1, LEASE=60)
    smtp.fail(CONTENT, "250 too late", delay=3600.0, times=-1)
    outbox.enqueue("ada@one.example")

    outbox.send()
    for _ in range(20):
        if outbox.row().state != DEFERRED:
            break
        outbox.make_due()  # a busy machine took the second before the content was offered
        outbox.send()

    assert outbox.row().state == UNCERTAIN


def test_an_uncertain_mail_is_sent_again_with_the_same_message_id(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(CONTENT, DROP)
    outbox.enqueue("ada@one.example")
    outbox.send()
    outbox.make_due()

    outbox.send()

    assert outbox.row().state == SENT
    assert [received.answered for received in smtp.log] == [False, True]
    assert len({received.message_id for received in smtp.log}) == 1


def test_an_uncertain_mail_is_held_after_five_tries(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(CONTENT, DROP, times=-1)
    outbox.enqueue("ada@one.example")

    for _ in range(8):
        outbox.make_due()
        outbox.send()

    assert len(smtp.log) == 5
    assert (outbox.row().state, outbox.row().due_at) == (UNCERTAIN, None)


def test_with_hold_an_uncertain_mail_is_held_at_once(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None]
) -> None:
    configured(UNCERTAIN="hold")
    smtp.fail(CONTENT, DROP)
    outbox.enqueue("ada@one.example")

    outbox.send()

    assert (outbox.row().state, outbox.row().due_at) == (UNCERTAIN, None)


def test_what_the_composer_withholds_never_reaches_a_server(outbox: Outbox, smtp: MailServer) -> None:
    outbox.composer.withheld["ada@one.example"] = WithheldMail(SUPPRESSED, "unsubscribed since")
    outbox.enqueue("ada@one.example", "bob@one.example")

    counts = outbox.send()

    assert smtp.recipients() == {"bob@one.example": 1}
    assert [row.state for row in outbox.rows()] == [SUPPRESSED, SENT]
    assert counts.withheld == 1


def test_a_mail_that_can_not_be_composed_stops_no_other(outbox: Outbox, smtp: MailServer) -> None:
    outbox.composer.failing.add("ada@one.example")
    outbox.enqueue("ada@one.example", "bob@one.example")

    outbox.send()

    assert [row.state for row in outbox.rows()] == [DEFERRED, SENT]


def test_an_address_outside_ascii_is_refused_clearly(outbox: Outbox, smtp: MailServer) -> None:
    outbox.enqueue("jürgen@one.example")

    outbox.send()

    assert outbox.row().state == REJECTED
    assert "SMTPUTF8" in outbox.row().reply


def test_an_address_outside_ascii_goes_to_a_server_that_takes_it(
    outbox: Outbox, configured: Callable[..., None]
) -> None:
    with MailServer(utf8=True) as server:
        configured(SMTP_URL=server.url, MAIL_FROM="papers@digest.example")
        outbox.enqueue("jürgen@one.example")

        outbox.send()

        assert server.recipients() == {"jürgen@one.example": 1}


def test_a_kept_connection_that_was_hung_up_costs_nothing(outbox: Outbox, smtp: MailServer) -> None:
    outbox.enqueue("ada@one.example")
    outbox.send()
    smtp.stop()
    smtp.start()
    outbox.enqueue("bob@one.example", first=2)

    counts = outbox.send()

    assert counts.sent == 1


def test_a_pass_ends_in_time_and_says_that_more_is_due(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(CONNECTIONS=1)
    a_second_a_mail = SimpleNamespace(monotonic=lambda: float(len(smtp.log)), sleep=time.sleep)
    monkeypatch.setattr(outboxes, "time", a_second_a_mail)
    outbox.enqueue(*(f"r{n}@one.example" for n in range(30)))

    counts = outbox.send(seconds=5)

    assert counts.sent == 5
    assert counts.more
    assert "sending" not in outbox.states()


def test_a_composer_that_breaks_leaves_no_mail_in_flight(outbox: Outbox, smtp: MailServer) -> None:
    outbox.enqueue("ada@one.example", "bob@one.example")

    def broken(rows: object) -> dict[int, WithheldMail]:
        raise KeyError("template")

    outbox.composer.compose = broken  # type: ignore[method-assign]

    with pytest.raises(KeyError):
        outbox.send()

    assert outbox.states() == {DEFERRED: 2}
    with transaction() as session:
        assert deliveries_held(session) == 0


def deliveries_held(session: object) -> int:
    from digest.db.outbox import leases

    return len(leases.beats(session))  # type: ignore[arg-type]
