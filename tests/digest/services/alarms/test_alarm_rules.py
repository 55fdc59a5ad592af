"""Alarms: administrators are alerted once a day for each subject."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from digest import clock, settings
from digest.db.core.engine import transaction
from digest.db.outbox import claims, deliveries, leases, session_replies
from digest.mail.outbox.lease_reaper import LeaseReaper
from digest.queues import NoQueue
from digest.services.alarms import alarm_rules
from digest.services.delivery import delivery_worker
from digest.services.delivery.render_messages import MailComposer
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import alarm_texts, later
from tests.digest.services.stored_rows import alarms as alarm_titles
from tests.outbox import Outbox, as_claimed

pytestmark = MAINLY_SQLITE


def test_overdue_mail_is_reported_once_a_day(service: str, outbox: Outbox) -> None:
    outbox.enqueue("ada@one.example")
    on_time = alarm_rules.check_alarms(now=later(minutes=29))
    overdue = alarm_rules.check_alarms(now=later(minutes=31))
    repeated = alarm_rules.check_alarms(now=later(hours=23))

    next_day = alarm_rules.check_alarms(now=later(hours=25))

    assert (on_time, overdue, repeated, next_day) == (0, 1, 0, 1)
    assert alarm_titles() == ["E-mails are overdue"] * 4


def test_mail_for_a_resting_domain_is_not_overdue(service: str, outbox: Outbox) -> None:
    outbox.enqueue("ada@one.example")
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", later(days=1), "5.7.1 go away")

    alarm_rules.check_alarms(now=later(hours=1))

    assert alarm_titles() == ["one.example refuses our mail"] * 2


def test_a_sender_that_died_is_reported(service: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1000.0
    sweeper = LeaseReaper(settings.get(), monotonic=lambda: seconds)
    monkeypatch.setattr(delivery_worker, "_sweeper", lambda: sweeper)
    outbox.enqueue("ada@one.example")
    with transaction() as session:
        lease = leases.open_lease(session, "somebody", clock.now())
        claims.claim(session, lease, 8, clock.now(), domain="digest.example")
    delivery_worker.sweep(NoQueue())
    seconds += settings.get().lease

    taken_over = delivery_worker.sweep(NoQueue())

    assert taken_over == 1
    assert alarm_titles() == ["A sending process stopped"] * 2


def test_without_administrators_an_alarm_is_a_line_in_the_log(service: str, configured: Callable[..., None]) -> None:
    configured(ADMIN_EMAILS="")
    with transaction() as session:
        first = alarm_rules.raise_alarm(session, "overdue", "E-mails are overdue", ["3 wait"], now=clock.now())
        second = alarm_rules.raise_alarm(session, "overdue", "E-mails are overdue", ["3 wait"], now=later(hours=1))

    assert (first, second) == (True, False)
    assert alarm_titles() == []


def test_an_alarm_is_a_mail_with_its_facts(service: str, outbox: Outbox) -> None:
    with transaction() as session:
        alarm_rules.alarm_domain_paused(session, "one.example", later(hours=4), "550 5.7.1 go away", now=clock.now())

    messages = dict(MailComposer(settings.get()).compose([as_claimed(row) for row in outbox.rows()]))

    raw = getattr(messages[1], "raw", b"").decode()
    assert "Subject: " in raw
    assert "550 5.7.1 go away" in raw


def test_two_at_once_tell_it_once(service: str) -> None:
    now = clock.now()
    for offset in (0, 1):
        with transaction() as session:
            alarm_rules.raise_alarm(session, "overdue", "E-mails are overdue", [], now=now + timedelta(seconds=offset))

    assert len(alarm_titles()) == 2


def test_mail_servers_that_fail_for_ten_minutes_are_reported_once(service: str) -> None:
    alarms_raised = [alarm_rules.note_mail_servers(failing=True, now=later(minutes=m)) for m in (0, 5, 9, 11, 20)]

    assert alarms_raised == [False, False, False, True, False]
    assert alarm_titles() == ["The mail servers fail"] * 2


def test_mail_servers_that_work_again_begin_anew(service: str) -> None:
    alarm_rules.note_mail_servers(failing=True, now=later(minutes=0))
    alarm_rules.note_mail_servers(failing=False, now=later(minutes=9))

    assert not alarm_rules.note_mail_servers(failing=True, now=later(minutes=11))
    assert alarm_titles() == []


def test_domains_found_by_the_same_check_share_a_mail(service: str) -> None:
    with transaction() as session:
        for number in range(2):
            deliveries.pause_domain(session, f"mail{number}.example", later(days=1), f"5.7.{number} go away")

    assert [alarm_rules.check_alarms(now=later(minutes=minutes)) for minutes in (60, 61)] == [1, 0]
    assert alarm_titles() == ["2 domains refuse our mail"] * 2
    facts = " ".join(alarm_texts()[0][1])
    assert all(text in facts for text in ("mail0.example", "5.7.0", "mail1.example", "5.7.1"))


def test_a_domain_paused_later_is_an_alarm_of_its_own(service: str) -> None:
    for number in range(2):
        with transaction() as session:
            deliveries.pause_domain(session, f"mail{number}.example", later(days=1), "5.7.1 go away")
        alarm_rules.check_alarms(now=later(hours=1))

    assert alarm_titles() == ["mail0.example refuses our mail"] * 2 + ["mail1.example refuses our mail"] * 2


def test_many_domains_that_refuse_us_are_one_alarm(service: str) -> None:
    with transaction() as session:
        for number in range(6):
            deliveries.pause_domain(session, f"mail{number}.example", later(days=1), "5.7.1 go away")

    assert alarm_rules.check_alarms(now=later(hours=1)) == 1
    assert alarm_titles() == ["6 domains refuse our mail"] * 2


def test_a_server_that_refuses_us_is_reported_instead_of_overdue_mail(service: str, outbox: Outbox) -> None:
    outbox.enqueue("ada@one.example")
    with transaction() as session:
        deliveries.pause_domain(session, session_replies.SERVER, later(hours=2), "550 no")

    alarm_rules.check_alarms(now=later(hours=1))

    assert alarm_titles() == ["The mail server refuses our mail"] * 2


def test_a_server_that_refuses_our_session_is_reported_at_once(service: str) -> None:
    assert alarm_rules.note_mail_servers(failing=True, refusal="530 5.7.0 Authentication required")
    assert alarm_titles() == ["The mail servers fail"] * 2


def test_servers_that_fail_from_one_day_to_the_next_are_reported(service: str) -> None:
    alarms_raised = [alarm_rules.note_mail_servers(failing=True, now=later(hours=hours)) for hours in (0, 25)]

    assert alarms_raised == [False, True]
