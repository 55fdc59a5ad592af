"""The report of a run: once, when nothing of it waits, by mail to each administrator."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from digest import settings
from digest.db.core.engine import reading, transaction
from digest.mail.outbox.sender import deliver_due
from digest.models import Delivery, Run
from digest.models.edition import PAUSED, PLANNED
from digest.services.delivery.render_messages import MailComposer
from digest.services.runs import run_report
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber, later
from tests.servers import MailServer


@pytest.fixture
def report_every_run(service: str, configured: Callable[..., None]) -> None:
    configured(RUN_REPORT="always")


def reports() -> list[Delivery]:
    with reading() as session:
        return list(session.exec(select(Delivery).where(Delivery.kind == "run-report").order_by(col(Delivery.id))))


def run_with(*states: str, hours_ago: int = 0) -> int:
    """A run whose mails are in these states."""
    run = add_run(later(hours=-hours_ago))
    for number, state in enumerate(states):
        add_mail(add_subscriber(f"r{number}@one.example"), run, state=state)
    return run


def change_mails(run: int, **values: object) -> None:
    with transaction() as session:
        session.execute(update(Delivery).where(col(Delivery.run_id) == run).values(**values))


def test_a_finished_run_is_reported_once_to_each_administrator(report_every_run: None) -> None:
    run_with("sent", "rejected")

    queued = [run_report.report_ended_runs(), run_report.report_ended_runs(now=later(days=1))]

    assert queued == [2, 0]
    assert [row.address for row in reports()] == ["root@digest.example", "ops@digest.example"]


def test_processes_that_notice_at_once_send_one_report(report_every_run: None) -> None:
    run_with("sent")

    with ThreadPoolExecutor(4) as pool:
        queued = sum(pool.map(lambda _: run_report.report_ended_runs(), range(4)))

    assert queued == len(reports()) == 2


@pytest.mark.parametrize("state", ["queued", "sending"])
def test_a_run_with_mail_that_waits_is_not_reported_yet(report_every_run: None, state: str) -> None:
    run = run_with("sent", state)
    early_reports = run_report.report_ended_runs(now=later(hours=2))
    change_mails(run, state="sent", due_at=None)

    assert (early_reports, run_report.report_ended_runs(now=later(hours=3))) == (0, 2)
    assert reports()[0].payload is not None
    assert reports()[0].payload["finished"] is True


def test_a_run_whose_editions_are_not_built_is_not_reported_yet(report_every_run: None) -> None:
    run = add_run(state=PLANNED, shard=(1, 10))
    early_reports = run_report.report_ended_runs(now=later(hours=1))
    with transaction() as session:
        session.execute(update(Run).where(col(Run.id) == run).values(state="complete"))

    assert (early_reports, run_report.report_ended_runs(now=later(hours=2))) == (0, 2)


def test_retries_are_waited_for_during_an_hour(report_every_run: None) -> None:
    run_with("sent", "deferred")

    queued = [run_report.report_ended_runs(now=later(minutes=m)) for m in (20, 75)]

    assert queued == [0, 2]
    payload = reports()[0].payload or {}
    assert (payload["sent"], payload["deferred"]) == (1, 1)


def test_a_run_that_does_not_end_is_reported_as_failed_and_later_as_finished(report_every_run: None) -> None:
    run = run_with("sent", "queued")
    failed = run_report.report_ended_runs(now=later(hours=7))
    later_reports = run_report.report_ended_runs(now=later(hours=8))
    change_mails(run, state="sent", due_at=None)
    finished = run_report.report_ended_runs(now=later(hours=9))

    assert (failed, later_reports, finished) == (2, 0, 2)
    assert [(row.payload or {})["finished"] for row in reports()] == [False, False, True, True]


@pytest.mark.parametrize("state", [PAUSED, "cancelled"])
def test_a_run_that_an_administrator_stopped_is_not_reported(report_every_run: None, state: str) -> None:
    add_run(state=state)

    assert run_report.report_ended_runs(now=later(days=1)) == 0


@pytest.mark.parametrize(
    ("states", "is_reported"),
    [
        (("sent",) * 3, False),
        (("sent",) * 60 + ("rejected",), False),
        (("sent",) * 20 + ("rejected",), True),
        (("sent",) * 60 + ("uncertain",), True),
        ((), False),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_by_default_only_runs_with_problems_are_reported(
    service: str, database: str, states: tuple[str, ...], is_reported: bool
) -> None:
    run_with(*states)

    assert bool(run_report.report_ended_runs(now=later(hours=2))) == is_reported


def test_with_never_no_report_is_queued(service: str, configured: Callable[..., None]) -> None:
    configured(RUN_REPORT="never")
    run_with("uncertain")

    assert run_report.report_ended_runs(now=later(hours=2)) == 0


def test_the_report_is_no_mail_of_the_run(report_every_run: None) -> None:
    run_with("sent")
    run_report.report_ended_runs()

    assert {row.run_id for row in reports()} == {None}


def test_the_mail_has_counts_links_and_both_parts(
    report_every_run: None, smtp: MailServer, configured: Callable[..., None]
) -> None:
    configured(BASE_URL="https://papers.example")
    run = run_with("sent", "sent", "rejected", "uncertain", hours_ago=2)
    run_report.report_ended_runs()
    deliver_due(MailComposer(settings.get()), settings.get())

    message = next(
        parsed
        for received in smtp.log
        if isinstance(parsed := message_from_bytes(received.raw, policy=policy.default), EmailMessage)
        and received.recipient == "root@digest.example"
    )
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert message["Subject"].startswith("Papers Inbox: 2 sent, 1 rejected, 1 uncertain (The run of ")
    assert message["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in message
    for part in (text, html):
        assert "2 sent, 1 rejected, 1 uncertain" in part
        assert f"https://papers.example/admin/runs/{run}" in part
        assert "https://papers.example/admin/sources" in part
