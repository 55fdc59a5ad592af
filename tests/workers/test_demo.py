"""`digest demo --once` as a process: every expected mail, clean and signed, nothing twice; it may be run again."""

from __future__ import annotations

import email
import email.policy
import os
import re
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

from digest.db.core import schema_migration
from digest.mail.mime import dkim as dkim_keys
from seeds.demo_subscribers import DEMO_SUBSCRIBERS
from tests import lint_mailbox
from tests.conftest import ROOT
from tests.packaging.conftest import PlayedDemo, two_free_ports
from tests.patience import PATIENCE, wait_for
from workers.demo.mail_server import Maildir

_PAPER = re.compile(r"/papers/(\d+)")


def demo_process(folder: Path) -> subprocess.Popen[str]:
    """A demo in that folder, on free ports."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    environment |= {"DIGEST_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    command = [sys.executable, "-P", "-m", "workers.main", "demo", "--once", "--port", str(two_free_ports())]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def schema(folder: Path) -> str:
    """The schema of the demo's database; empty where there is none yet."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'demo.db'}?mode=ro", uri=True)) as database:
            return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except sqlite3.OperationalError:
        return ""


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


def test_it_ends_well_and_prints_its_table(played: PlayedDemo) -> None:
    result, folder = played.result, played.data

    assert result.code == 0, result.text
    assert result.error == ""
    assert all(demo_subscriber.name in result.output for demo_subscriber in DEMO_SUBSCRIBERS)
    assert max(map(len, result.output.splitlines()[4:])) <= max(80, len(str(folder)) + 40)
    assert (folder / "demo.log").stat().st_size > 0


def test_every_demo_subscriber_has_their_mails_and_the_paused_one_none(played: PlayedDemo) -> None:
    messages = mails(played.data)

    counts = {
        demo_subscriber.name: len(mails_to(demo_subscriber.name, messages)) for demo_subscriber in DEMO_SUBSCRIBERS
    }
    assert counts == {r.name: 0 if r.paused else 1 if r.subscribes_late else 2 for r in DEMO_SUBSCRIBERS}


def test_no_demo_subscriber_gets_a_paper_twice(played: PlayedDemo) -> None:
    messages = mails(played.data)

    for demo_subscriber in DEMO_SUBSCRIBERS:
        days = [set(_PAPER.findall(html(mail))) for mail in mails_to(demo_subscriber.name, messages)]
        assert all(days)
        assert sum(map(len, days)) == len(set().union(*days))


def test_something_rises_on_the_second_day(played: PlayedDemo) -> None:
    second = mails_to("emmy", mails(played.data))[1]

    assert "Rising" in html(second)


def html(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def test_every_mail_is_signed_with_the_demos_key(played: PlayedDemo) -> None:
    folder = played.data
    key = load_pem_private_key((folder / "demo-dkim.pem").read_bytes(), None)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    record = f"v=DKIM1; k=rsa; p={''.join(public.splitlines()[1:-1])}".encode()

    files = list((folder / "mailbox" / "new").iterdir())
    assert files
    assert all(dkim.verify(file.read_bytes(), dnsfunc=lambda *_, **__: record) for file in files)


def test_every_mail_is_clean(played: PlayedDemo, shared: Path) -> None:
    assert lint_mailbox.lint(played.data / "mailbox", shared / "tools" / "maillint.py") == 0


def test_what_an_earlier_demo_left_is_gone_when_the_processes_start(tmp_path: Path) -> None:
    leave_traces(tmp_path)
    key, log = (tmp_path / "demo-dkim.pem").read_bytes(), tmp_path / "demo.log"
    with demo_process(tmp_path) as process:
        try:
            wait_for(lambda: process.poll() is not None or schema(tmp_path) == schema_migration.newest_revision())
            reached = schema(tmp_path)
            logged, bodies = log.read_text() if log.exists() else "", [mail.as_string() for mail in mails(tmp_path)]
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)

    assert reached == schema_migration.newest_revision()
    assert "of an earlier demo" not in "".join([logged, *bodies])
    assert (tmp_path / "demo-dkim.pem").read_bytes() == key


@pytest.mark.soak
def test_a_demo_works_in_a_folder_that_held_one_before(tmp_path: Path) -> None:
    leave_traces(tmp_path)

    for _ in range(2):
        with demo_process(tmp_path) as process:
            output, error = process.communicate(timeout=PATIENCE)

        assert process.returncode == 0, output + error
        assert len(mails(tmp_path)) == 21
