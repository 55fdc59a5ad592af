"""`digest doctor` where the mail server lets us log in, but mail does not go out, or nobody makes editions."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from digest import clock
from digest.db.core.engine import transaction
from digest.db.outbox import deliveries
from digest.mail.smtp import sender_domain_records
from digest.services.admin import doctor_host
from tests.digest.cli.conftest import Terminal
from tests.servers import CONTENT, MAIL, RCPT, MailServer

ADDRESSES = [f"ada@{domain}.example" for domain in ("one", "two", "three")]


@pytest.fixture
def lab(ready: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured: Callable[..., None]) -> Terminal:
    """Papers, and three subscribers at three domains, to whom welcome editions are owed."""

    def unreachable(host: str, port: int) -> datetime:
        raise OSError("no network in tests")

    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: [])
    monkeypatch.setattr(doctor_host, "_certificate_end", unreachable)
    monkeypatch.chdir(tmp_path)
    configured(ADMIN_EMAILS="admin@digest.example")
    papers = [
        {"title": f"Offline reinforcement learning {number}", "abstract": "We study reinforcement learning. " * 9}
        for number in range(5)
    ]
    (tmp_path / "papers.jsonl").write_text("\n".join(map(json.dumps, papers)))
    ready.ok("ingest", "jsonl", "--file", str(tmp_path / "papers.jsonl"))
    for address in ADDRESSES:
        ready.ok("admin", "subscribers", "add", address, "--consent", "paper", "--topic", "reinforcement learning")
    return ready


def problems(terminal: Terminal, *names: str) -> list[tuple[str, str]]:
    """Level and text of the findings of these checks that are not ok."""
    rows = json.loads(terminal.run("doctor", "--json").stdout)
    return [(row["level"], row["text"]) for row in rows if row["name"] in names and row["level"] != "ok"]


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        (MAIL, "550 5.7.1 sender rejected"),
        (RCPT, "550 5.7.1 relaying denied"),
        (CONTENT, "554 5.7.1 message refused"),
    ],
)
def test_a_server_that_logs_us_in_and_refuses_our_mail_is_an_error_with_its_reply(
    lab: Terminal, smtp: MailServer, stage: str, reply: str
) -> None:
    smtp.fail(stage, reply, times=100)

    lab.ok("run", "--inline")

    ((level, text),) = problems(lab, "outbox")
    assert level == "error"
    assert "3 mails wait" in text
    assert reply in text
    assert lab.run("doctor").exit_code == 1


def test_once_the_server_accepts_mail_again_nothing_is_wrong(lab: Terminal, smtp: MailServer) -> None:
    smtp.fail(MAIL, "550 5.7.1 sender rejected", times=4)
    lab.ok("run", "--inline")

    with time_machine.travel(clock.now() + timedelta(minutes=20)):
        lab.ok("run", "--inline")

        assert smtp.recipients()[ADDRESSES[0]] == 1
        assert problems(lab, "outbox") == []


def test_greylisting_is_no_problem_at_first_and_an_error_where_no_mail_gets_through(
    lab: Terminal, smtp: MailServer
) -> None:
    smtp.fail(RCPT, "451 4.7.1 greylisted", times=100)
    lab.ok("run", "--inline")

    assert problems(lab, "outbox") == []

    with time_machine.travel(clock.now() + timedelta(minutes=40)):
        lab.ok("run", "--inline")
        ((level, text),) = problems(lab, "outbox")

        assert (level, "451 4.7.1 greylisted" in text) == ("error", True)


def test_one_deferred_mail_among_accepted_ones_is_a_warning_after_an_hour(lab: Terminal, smtp: MailServer) -> None:
    smtp.fail(RCPT, "452 4.2.2 mailbox full", times=100, address=ADDRESSES[0])
    lab.ok("run", "--inline")

    assert problems(lab, "outbox") == []

    with time_machine.travel(clock.now() + timedelta(minutes=70)):
        lab.ok("run", "--inline")
        ((level, text),) = problems(lab, "outbox")

        assert level == "warning"
        assert text.startswith("1 mail is deferred since ")
        assert text.endswith("; the last reply: 452 4.2.2 mailbox full")


def test_mails_that_are_all_rejected_are_an_error(lab: Terminal, smtp: MailServer) -> None:
    smtp.fail(CONTENT, "552 5.3.4 quota exceeded", times=100)

    lab.ok("run", "--inline")

    assert problems(lab, "outbox") == [
        ("error", "3 of 3 mails were rejected within a day; the last reply: 552 5.3.4 quota exceeded")
    ]


def test_a_paused_domain_is_an_error_with_its_reply(lab: Terminal) -> None:
    until = datetime(2999, 1, 1, tzinfo=UTC)
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", until, "550 5.7.26 unauthenticated")

    ((level, text),) = problems(lab, "domains")

    assert level == "error"
    assert text.startswith("one.example refuses our mail by policy")
    assert text.endswith("550 5.7.26 unauthenticated")


def test_a_paused_run_is_a_warning_with_its_mails(lab: Terminal, smtp: MailServer) -> None:
    smtp.fail(RCPT, "451 4.7.1 greylisted", times=100)
    new_paper = {"title": "Reinforcement learning anew", "abstract": "Reinforcement learning of robots. " * 9}
    with time_machine.travel(clock.now() + timedelta(days=1)):
        Path("new.jsonl").write_text(json.dumps(new_paper))
        lab.ok("ingest", "jsonl", "--file", "new.jsonl")
        lab.ok("run", "--inline")
        (run,) = json.loads(lab.ok("admin", "runs", "list", "--json"))
        lab.ok("admin", "runs", "pause", str(run["run"]))

        assert problems(lab, "runs") == [("warning", f"run {run['run']} is paused: 3 mails wait")]


def test_subscribers_who_were_due_and_whose_editions_nobody_makes_are_an_error(lab: Terminal) -> None:
    with time_machine.travel(clock.now() + timedelta(days=2)):
        lab.ok("ingest", "jsonl", "--file", "papers.jsonl")
        ((level, text),) = problems(lab, "runs")

    assert level == "error"
    assert text.startswith("subscribers were due at ")
