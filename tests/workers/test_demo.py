"""`digest demo --once` as a process: every expected mail, clean and signed, nothing twice; it may be run again."""

from __future__ import annotations

import email
import email.policy
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from digest.mail.mime import dkim as dkim_keys
from seeds.demo_subscribers import DEMO_SUBSCRIBERS
from tests import lint_mailbox
from tests.conftest import ROOT
from tests.patience import PATIENCE
from workers.demo.mail_server import Maildir

_PAPER = re.compile(r"/papers/(\d+)")


def run_demo(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one demo in that folder, on free ports."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    environment |= {"DIGEST_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    command = [sys.executable, "-P", "-m", "workers.main", "demo", "--once", "--port", str(_free_pair())]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def _free_pair() -> int:
    """A port that is free, as is the one behind it."""
    while True:
        with socket.socket() as first_socket, socket.socket() as other:
            first_socket.bind(("127.0.0.1", 0))
            port = int(first_socket.getsockname()[1])
            try:
                other.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def mails(folder: Path) -> list[EmailMessage]:
    files = sorted((folder / "mailbox" / "new").iterdir())
    messages = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
    return [mail for mail in messages if isinstance(mail, EmailMessage)]


def mails_to(name: str, messages: Sequence[EmailMessage]) -> list[EmailMessage]:
    """The digests and welcomes of one subscriber, oldest first."""
    return [mail for mail in messages if mail["To"] == f"{name}@digest.example" and "List-Id" in mail]


def leave_traces(folder: Path) -> None:
    """What an earlier demo leaves in its folder: a mailbox, a key, and a database (of an unknown schema)."""
    mailbox = Maildir(folder / "mailbox")
    mailbox.clear()
    mailbox.add(b"To: ada@digest.example\nList-Id: papers\n\nof an earlier demo\n")
    with closing(sqlite3.connect(folder / "demo.db")) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('unknown')")
    (folder / "demo-dkim.pem").write_bytes(dkim_keys.generate_key()[0])
    (folder / "demo.log").write_text("of an earlier demo\n")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A demo in a folder that held one before; `tests/packaging` runs it in a fresh one."""
    folder = tmp_path_factory.mktemp("demo")
    leave_traces(folder)
    return folder, run_demo(folder)


def test_it_ends_well_and_prints_its_table(played: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, result = played

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    assert all(demo_subscriber.name in result.stdout for demo_subscriber in DEMO_SUBSCRIBERS)
    assert max(map(len, result.stdout.splitlines()[4:])) <= max(80, len(str(folder)) + 40)
    assert (folder / "demo.log").stat().st_size > 0
    assert "of an earlier demo" not in (folder / "demo.log").read_text()


def test_every_demo_subscriber_has_their_mails_and_the_paused_one_none(
    played: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    messages = mails(played[0])

    counts = {
        demo_subscriber.name: len(mails_to(demo_subscriber.name, messages)) for demo_subscriber in DEMO_SUBSCRIBERS
    }
    assert counts == {r.name: 0 if r.paused else 1 if r.subscribes_late else 2 for r in DEMO_SUBSCRIBERS}


def test_no_demo_subscriber_gets_a_paper_twice(played: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    messages = mails(played[0])

    for demo_subscriber in DEMO_SUBSCRIBERS:
        days = [set(_PAPER.findall(html(mail))) for mail in mails_to(demo_subscriber.name, messages)]
        assert all(days)
        assert sum(map(len, days)) == len(set().union(*days))


def test_something_rises_on_the_second_day(played: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    second = mails_to("emmy", mails(played[0]))[1]

    assert "Rising" in html(second)


def html(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def test_every_mail_is_signed_with_the_demos_key(played: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder = played[0]
    key = load_pem_private_key((folder / "demo-dkim.pem").read_bytes(), None)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    record = f"v=DKIM1; k=rsa; p={''.join(public.splitlines()[1:-1])}".encode()

    files = list((folder / "mailbox" / "new").iterdir())
    assert files
    assert all(dkim.verify(file.read_bytes(), dnsfunc=lambda *_, **__: record) for file in files)


def test_every_mail_is_clean(played: tuple[Path, subprocess.CompletedProcess[str]], shared: Path) -> None:
    assert lint_mailbox.lint(played[0] / "mailbox", shared / "tools" / "maillint.py") == 0


@pytest.mark.soak
def test_a_second_demo_in_the_same_folder_works_too(played: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = played

    second_run = run_demo(folder)

    assert second_run.returncode == 0, second_run.stdout + second_run.stderr
    assert len(mails(folder)) == 21
