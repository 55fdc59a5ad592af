"""`digest bounces ingest`: a Maildir emptied only after the commit, a pipe that never loses a mail."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli.app import build_app
from digest.cli.cli_dependencies import Dependencies
from digest.db.core.engine import transaction
from digest.mail.mime.message_builder import return_path
from digest.models import Delivery
from digest.queues import NoQueue
from tests.digest.mail.bounces.test_classifier import complaint, report
from tests.digest.mail.ordinary import mail
from tests.digest.services.conftest import KEY, service
from tests.digest.services.stored_rows import bounces, later, suppressed
from tests.forked_processes import ForkedProcess

__all__ = ["service"]

APP = build_app(Dependencies(enqueue=NoQueue, seeds=lambda files, today: []))


def digest(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    """What a command answers: exit code and standard output."""
    result = CliRunner().invoke(APP, list(arguments), input=stdin)
    return result.exit_code, result.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "maildir" / name).mkdir(parents=True)
    return tmp_path / "maildir"


def file(folder: Path, name: str, raw: bytes) -> None:
    (folder / "new" / name).write_bytes(raw)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def enqueue_mails(count: int) -> list[int]:
    """That many sent mails, each to another address."""
    with transaction() as session:
        rows = [
            Delivery(
                kind="digest",
                subject_id=n,
                address=f"r{n}@one.example",
                domain="one.example",
                state="sent",
                created_at=later(),
            )
            for n in range(1, count + 1)
        ]
        session.add_all(rows)
        session.flush()
        return [row.id or 0 for row in rows]


def proved(number: int) -> bytes:
    """A proved report for that delivery."""
    raw = report(recipient=return_path("bounces@digest.example", number, KEY))
    return raw.replace(b"<r1@mx.one.example>", f"<r{number}@mx.one.example>".encode())


def test_a_dry_run_prints_a_line_per_message_and_moves_nothing(folder: Path) -> None:
    """It needs neither settings nor a database."""
    file(folder, "1.a", report())
    file(folder, "2.b", complaint())
    file(folder, "3.c", mail("Re: 7 papers", "Thanks"))

    code, output = digest("bounces", "ingest", "--maildir", str(folder), "--dry-run", "--json")

    assert code == 0
    assert [json.loads(line) for line in output.splitlines()] == [
        {"file": "1.a", "kind": "hard", "recipients": ["ada@one.example"], "status": "5.1.1"},
        {"file": "2.b", "kind": "complaint", "recipients": ["ada@one.example"], "status": ""},
        {"file": "3.c", "kind": "other", "recipients": [], "status": ""},
    ]
    assert names(folder / "new") == ["1.a", "2.b", "3.c"]


def test_what_was_taken_stands_in_cur_and_what_a_person_should_read_is_unread(service: str, folder: Path) -> None:
    (number,) = enqueue_mails(1)
    file(folder, "1.a", proved(number))
    file(folder, "2.b", mail("A question", "Who are you?"))

    code, output = digest("bounces", "ingest", "--maildir", str(folder))

    assert (code, names(folder / "new"), names(folder / "cur")) == (0, [], ["1.a:2,S", "2.b:2,"])
    assert output == "2 messages: 1 hard, 1 other\noutcomes: 1 suppressed, 1 nothing\n"
    assert suppressed() == {"r1@one.example": "no such address"}


def test_an_empty_maildir_is_no_error(service: str, folder: Path) -> None:
    assert digest("bounces", "ingest", "--maildir", str(folder)) == (0, "0 messages: nothing new\n")


@pytest.mark.parametrize("words", [(), ("--stdin", "--maildir", "x"), ("--maildir", "nowhere")])
def test_wrong_usage_is_reported(words: tuple[str, ...]) -> None:
    code, _ = digest("bounces", "ingest", *words)

    assert code == 2


def test_a_mail_server_pipes_one_message(service: str) -> None:
    (number,) = enqueue_mails(1)

    code, output = digest("bounces", "ingest", "--stdin", "--json", stdin=proved(number))

    assert (code, json.loads(output)["kind"]) == (0, "hard")
    assert suppressed() == {"r1@one.example": "no such address"}


def test_a_huge_message_is_read_to_its_end(service: str) -> None:
    code, _ = digest("bounces", "ingest", "--stdin", stdin=report() + b"x" * 3_000_000)

    assert code == 0


def test_without_standard_input_the_mail_server_keeps_the_message(
    service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(SystemExit) as ended:
        APP(["bounces", "ingest", "--stdin"])

    assert ended.value.code == 75
    assert "standard input is closed" in capsys.readouterr().err


def test_without_a_database_the_mail_server_keeps_the_message(
    configured: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.services.bounces.process_reports.SECONDS_FOR_DATABASE", 0.2)
    configured(SECRET_KEY=KEY, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

    assert digest("bounces", "ingest", "--stdin", stdin=report())[0] == 75


def test_without_settings_the_mail_server_keeps_the_message(configured: Callable[..., None]) -> None:
    configured(SECRET_KEY="")

    assert digest("bounces", "ingest", "--stdin", stdin=report())[0] == 75


def test_without_a_database_the_maildir_keeps_its_messages(
    configured: Callable[..., None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.services.bounces.process_reports.SECONDS_FOR_DATABASE", 0.2)
    configured(SECRET_KEY=KEY, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    file(folder, "1.a", report())

    code, _ = digest("bounces", "ingest", "--maildir", str(folder))

    assert (code, names(folder / "new")) == (1, ["1.a"])


def test_killed_in_the_middle_and_run_again_every_report_counts_once(service: str, folder: Path) -> None:
    numbers = enqueue_mails(250)
    for number in numbers:
        file(folder, f"{number:04}.r", proved(number))
    for least in (60, 150):
        _kill_when(folder, least)

    digest("bounces", "ingest", "--maildir", str(folder))

    assert names(folder / "new") == []
    assert len(names(folder / "cur")) == 250
    assert sorted(bounces()) == sorted((f"r{n}@one.example", "hard") for n in range(1, 251))
    assert len(suppressed()) == 250


def _kill_when(folder: Path, count: int) -> None:
    """Run the command in a process of its own and kill it as soon as `count` files were moved."""
    with ForkedProcess("workers.main", "bounces", "ingest", "--maildir", str(folder)) as child:
        while child.poll() is None and len(names(folder / "cur")) < count:
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
