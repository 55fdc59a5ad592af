"""After a restore: mails that went out after the backup are found in a mail log, and nobody gets them twice."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from digest import clock, settings
from digest.db.core.engine import engine, transaction
from digest.mail.mime import message_builder
from tests.combinations import MAINLY_SQLITE
from tests.digest.cli.conftest import Terminal
from tests.servers import DATA, MailServer, Postgres, TransmittedMail

NOON = datetime(2025, 11, 18, 12, 0, tzinfo=UTC)  # after every subscriber's slot
NAMES = ("ada", "bob", "cyd", "dan")
EVERYONE = {f"{name}@example.com": 1 for name in NAMES}


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Sets the clock to a time after `NOON`."""

    def set_clock(later: timedelta) -> None:
        monkeypatch.setattr(clock, "now", lambda: NOON + later)

    set_clock(-timedelta(days=1))
    return set_clock


@pytest.fixture
def lab(ready: Terminal, smtp: MailServer, tmp_path: Path, today: Callable[[timedelta], None]) -> Terminal:
    """Four subscribers who are due, and papers for them."""
    file = tmp_path / "papers.jsonl"
    rows = [
        {
            "id": f"2511.0000{n}",
            "title": f"Linear bandits {n}",
            "abstract": "We study bandits.",
            "authors": ["A. Byron"],
        }
        for n in range(1, 5)
    ]
    file.write_text("".join(json.dumps(row | {"announced": "2025-11-17"}) + "\n" for row in rows))
    for name in NAMES:
        ready.ok("admin", "subscribers", "add", f"{name}@example.com", "--topic", "bandits", "--consent", "in person")
    ready.ok("ingest", "jsonl", "--file", str(file))
    with transaction() as session:
        session.connection().execute(text("DELETE FROM attempt"))
    today(timedelta())
    return ready


@pytest.fixture
def empty_database(
    database: str, configured: Callable[..., None], request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[], None]:
    """Points the settings to a new database of the same kind without tables."""

    def point() -> None:
        address = f"sqlite:///{tmp_path / 'other' / 'digest.db'}"
        if not database.startswith("sqlite"):
            server: Postgres = request.getfixturevalue("postgres")
            address = server.new_database(lambda _address: None)
        engine().dispose()
        configured(DATABASE_URL=address)

    return point


def _restore_in_mid_run(
    lab: Terminal, smtp: MailServer, folder: Path, today: Callable[[timedelta], None], empty: Callable[[], None]
) -> None:
    """Ada's mail waits in the backup; hers, Bob's and Cyd's go out after it; Dan's never does. Then a restore."""
    smtp.fail(DATA, "451 4.3.0 later", address="ada")
    lab.ok("run", "--only", "ada@example.com", "--inline")
    file = json.loads(lab.ok("backup", "--to", str(folder), "--json"))["file"]
    today(timedelta(hours=1))
    lab.ok("run", "--only", "ada@example.com", "--inline")
    for name in ("bob", "cyd"):
        lab.ok("run", "--only", f"{name}@example.com", "--inline")
    assert smtp.recipients() == {address: 1 for address in EVERYONE if "dan" not in address}
    empty()
    today(timedelta(hours=2))
    lab.ok("restore", file)


def _postfix_log(mails: list[TransmittedMail], file: Path) -> Path:
    """What a Postfix that took these mails over would have logged."""
    at = f"{NOON + timedelta(hours=1):%b %d %H:%M:%S} mx postfix"
    lines = [f"{at}/smtpd[1]: connect from localhost[127.0.0.1]"]
    for number, mail in enumerate(mails):
        queue_id = f"4A1B2C3D{number:02}"
        lines.append(f"{at}/cleanup[2]: {queue_id}: message-id={mail.message_id}")
        lines.append(f"{at}/qmgr[4]: {queue_id}: from=<{mail.sender}>, size=900, nrcpt=1 (queue active)")
        lines.append(f"{at}/smtp[3]: {queue_id}: to=<{mail.recipient}>, relay=mx, dsn=2.0.0, status=sent (250 ok)")
    file.write_text("\n".join(lines))
    return file


@pytest.fixture
def restored(
    lab: Terminal,
    smtp: MailServer,
    tmp_path: Path,
    today: Callable[[timedelta], None],
    empty_database: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The mail log of an installation that was restored from a backup of the middle of a run."""
    monkeypatch.setenv("TZ", "UTC")
    _restore_in_mid_run(lab, smtp, tmp_path / "backups", today, empty_database)
    return _postfix_log([mail for mail in smtp.log if mail.answered], tmp_path / "mail.log")


def test_a_dry_run_after_a_restore_names_everyone_who_may_be_mailed_again(lab: Terminal, restored: Path) -> None:
    repeats = json.loads(lab.ok("run", "--dry-run", "--json"))["perhaps_again"]

    assert {(row["address"].partition("@")[0], row["reason"]) for row in repeats} == {
        ("ada", "waits in the backup"),
        ("bob", "edition not in the backup"),
        ("cyd", "edition not in the backup"),
        ("dan", "edition not in the backup"),
    }


def test_a_dry_run_after_a_restore_names_those_whose_welcome_edition_is_not_in_the_backup(
    lab: Terminal, tmp_path: Path, today: Callable[[timedelta], None], empty_database: Callable[[], None]
) -> None:
    lab.ok("run", "--inline")
    for name, option in (("eve", "--welcome"), ("fay", "--no-welcome")):
        consent = ("--topic", "bandits", "--consent", "in person")
        lab.ok("admin", "subscribers", "add", f"{name}@example.com", *consent, option)
    file = json.loads(lab.ok("backup", "--to", str(tmp_path / "backups"), "--json"))["file"]
    empty_database()
    today(timedelta(hours=2))
    lab.ok("restore", file)
    today(timedelta(hours=3))
    lab.ok("admin", "subscribers", "add", "gus@example.com", "--topic", "bandits", "--consent", "in person")

    repeats = json.loads(lab.ok("run", "--dry-run", "--json"))["perhaps_again"]

    assert repeats == [{"address": "eve@example.com", "reason": "welcome edition not in the backup"}]


@MAINLY_SQLITE
def test_a_run_after_reconciling_mails_each_subscriber_once(lab: Terminal, smtp: MailServer, restored: Path) -> None:
    lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply")
    lab.ok("run", "--inline")

    assert smtp.recipients() == EVERYONE


@MAINLY_SQLITE
def test_papers_of_mails_that_the_log_shows_do_not_come_again_the_next_day(
    lab: Terminal, smtp: MailServer, restored: Path, today: Callable[[timedelta], None]
) -> None:
    lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply")
    lab.ok("run", "--inline")
    today(timedelta(days=1, hours=2))
    lab.ok("run", "--inline")

    assert smtp.recipients() == EVERYONE


@MAINLY_SQLITE
def test_nothing_changes_without_apply(lab: Terminal, restored: Path) -> None:
    first = json.loads(lab.ok("admin", "reconcile", "--mail-log", str(restored), "--json"))
    second = json.loads(lab.ok("admin", "reconcile", "--mail-log", str(restored), "--json"))

    assert first == second
    assert {row["recipient"].partition("@")[0]: row["action"] for row in first["mails"]} == {
        "ada": "mark as sent",
        "bob": "record the edition",
        "cyd": "record the edition",
    }


@MAINLY_SQLITE
def test_reconciling_twice_changes_nothing_more(lab: Terminal, restored: Path) -> None:
    lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply")

    second_result = json.loads(lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply", "--json"))

    assert [row["action"] for row in second_result["mails"]] == ["sent already"] * 3


@MAINLY_SQLITE
def test_a_dry_run_warns_no_more_once_the_log_has_settled_it(lab: Terminal, restored: Path) -> None:
    lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply")

    assert "perhaps_again" not in json.loads(lab.ok("run", "--dry-run", "--json"))


def test_a_recorded_mail_has_the_message_id_of_the_log(lab: Terminal, smtp: MailServer, restored: Path) -> None:
    lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply")

    with engine().connect() as connection:
        stored = connection.execute(text("SELECT address, message_id FROM delivery WHERE state = 'sent'")).all()
    assert {tuple(row) for row in stored} == {(mail.recipient, mail.message_id) for mail in smtp.log if mail.answered}


@MAINLY_SQLITE
def test_mails_of_others_and_lines_that_are_not_understood_are_counted(lab: Terminal, restored: Path) -> None:
    more = "mail: unreadable\n<5@shop.example> eve@example.com 2025-11-17T10:00:00Z\n"
    restored.write_text(more + restored.read_text())

    output = lab.ok("admin", "reconcile", "--mail-log", str(restored))

    assert "3 of our mails" in output
    assert "1 of others" in output
    assert "line 1: mail: unreadable" in output


@MAINLY_SQLITE
def test_a_recipient_who_subscribed_after_the_backup_is_listed(lab: Terminal, smtp: MailServer, restored: Path) -> None:
    restored.write_text(restored.read_text().replace("bob@example.com", "eve@example.com"))

    rows = json.loads(lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply", "--json"))["mails"]

    assert [row["action"] for row in rows if row["recipient"] == "eve@example.com"] == ["no such subscriber"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_log_that_is_missing_is_named(lab: Terminal, tmp_path: Path) -> None:
    code, error = lab.refused("admin", "reconcile", "--mail-log", str(tmp_path / "none.log"))

    assert code == 2
    assert "none.log can't be read" in error


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_compressed_log_that_is_damaged_is_named(lab: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "mail.log.gz"
    whole = gzip.compress("".join(f"<{n}@shop.example> eve@example.com\n" for n in range(5000)).encode())
    file.write_bytes(whole[:40] + bytes(200) + whole[240:])

    code, error = lab.refused("admin", "reconcile", "--mail-log", str(file))

    assert code == 2
    assert "mail.log.gz can't be read" in error


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("compress", [bz2.compress, gzip.compress, lzma.compress], ids=["bz2", "gz", "xz"])
def test_rotated_logs_are_read_in_turn_and_compressed_ones_too(
    lab: Terminal, tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    older, newer = tmp_path / "mail.log.1", tmp_path / "mail.log"
    older.write_bytes(compress(b"Nov 17 07:00:00 mx postfix/cleanup[1]: ABCDE1: message-id=<1@shop.example>\n"))
    newer.write_text("Nov 17 07:00:01 mx postfix/smtp[2]: ABCDE1: to=<eve@example.com>, status=sent (250 OK)\n")

    output = lab.ok("admin", "reconcile", "--mail-log", str(older), "--mail-log", str(newer))

    assert "2 lines, 0 of our mails (none of ours), 1 of others" in output


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\x89PNG\r\n\x1a\n" * 9, "no line of it is understood"), (b"\x28\xb5\x2f\xfd\x00", "zstd -d")],
)
def test_what_is_no_log_is_refused(lab: Terminal, tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "mail.log").write_bytes(content)

    code, error = lab.refused("admin", "reconcile", "--mail-log", str(tmp_path / "mail.log"))
    assert code == 2
    assert words in error


@MAINLY_SQLITE
def test_a_mail_of_unknown_kind_is_listed_and_its_recipient_still_gets_an_edition(
    lab: Terminal, smtp: MailServer, restored: Path
) -> None:
    path = message_builder.return_path("bounces@digest.example", 999_999, settings.get().secret_key[0])
    at = (NOON + timedelta(hours=1)).isoformat()
    restored.write_text(f"{at} mx smtpd[9]: 5a smtp envelope evpid=b1 from=<{path}> to=<dan@example.com>\n")

    rows = json.loads(lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply", "--json"))["mails"]
    lab.ok("run", "--only", "dan@example.com", "--inline")

    assert [row["action"] for row in rows] == ["decide: kind unknown"]
    assert smtp.recipients()["dan@example.com"] == 1


@MAINLY_SQLITE
def test_a_dry_run_still_warns_while_a_mail_is_undecided(lab: Terminal, restored: Path) -> None:
    path = message_builder.return_path("bounces@digest.example", 999_999, settings.get().secret_key[0])
    at = (NOON + timedelta(hours=1)).isoformat()
    restored.write_text(f"{at} mx smtpd[9]: 5a smtp envelope evpid=b1 from=<{path}> to=<dan@example.com>\n")

    lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply")

    assert "perhaps_again" in json.loads(lab.ok("run", "--dry-run", "--json"))


@MAINLY_SQLITE
def test_a_person_can_say_that_a_mail_was_an_edition(lab: Terminal, smtp: MailServer, restored: Path) -> None:
    path = message_builder.return_path("bounces@digest.example", 999_999, settings.get().secret_key[0])
    at = (NOON + timedelta(hours=1)).isoformat()
    row = {"return_path": path, "recipient": "dan@example.com", "at": at, "kind": "digest"}
    restored.write_text(json.dumps(row))

    rows = json.loads(lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply", "--json"))["mails"]
    lab.ok("run", "--only", "dan@example.com", "--inline")

    assert [row["action"] for row in rows] == ["record the edition"]
    assert "dan@example.com" not in smtp.recipients()


@MAINLY_SQLITE
@pytest.mark.parametrize("sender", ["eve@shop.example", ""])
def test_a_message_id_in_our_form_from_another_sender_is_not_believed(
    lab: Terminal, smtp: MailServer, restored: Path, sender: str
) -> None:
    at = f"{NOON + timedelta(hours=1):%b %d %H:%M:%S} mx postfix"
    domain = settings.get().mail_domain
    forged = f"<digest.999999.{'a' * 26}@{domain}>"
    restored.write_text(
        f"{at}/cleanup[2]: 4A1B2C3D4E: message-id={forged}\n"
        f"{at}/qmgr[4]: 4A1B2C3D4E: from=<{sender}>, size=900, nrcpt=1 (queue active)\n"
        f"{at}/smtp[3]: 4A1B2C3D4E: to=<dan@example.com>, relay=mx, dsn=2.0.0, status=sent (250 ok)\n"
    )

    rows = json.loads(lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply", "--json"))["mails"]
    lab.ok("run", "--only", "dan@example.com", "--inline")

    assert [row["action"] for row in rows] == ["decide: not sent by us?"]
    assert smtp.recipients()["dan@example.com"] == 1


def test_a_second_edition_mail_of_a_date_moves_no_later_edition(
    lab: Terminal, smtp: MailServer, restored: Path, today: Callable[[timedelta], None]
) -> None:
    domain = settings.get().mail_domain
    at = (NOON + timedelta(hours=1, minutes=20)).isoformat()
    restored.write_text(restored.read_text() + f"\n<digest.999999.{'b' * 26}@{domain}> bob@example.com {at}\n")

    rows = json.loads(lab.ok("admin", "reconcile", "--mail-log", str(restored), "--apply", "--json"))["mails"]

    assert rows[-1]["action"] == "decide: no edition of that date"
    with engine().connect() as connection:
        days = connection.execute(text("SELECT count(*) FROM edition WHERE day > '2025-11-18'")).scalar_one()
    assert days == 0


@MAINLY_SQLITE
def test_papers_that_come_after_reconciling_are_in_the_editions_of_others(
    lab: Terminal,
    smtp: MailServer,
    tmp_path: Path,
    today: Callable[[timedelta], None],
    empty_database: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    file = json.loads(lab.ok("backup", "--to", str(tmp_path / "backups"), "--json"))["file"]
    lab.ok("run", "--only", "bob@example.com", "--inline")
    empty_database()
    today(timedelta(hours=2))
    lab.ok("restore", file)
    lab.ok("admin", "reconcile", "--mail-log", str(_postfix_log(smtp.log, tmp_path / "mail.log")), "--apply")
    late_paper = {"id": "2511.00099", "title": "Late bandits", "abstract": "We study bandits.", "authors": ["A. Byron"]}
    papers = tmp_path / "late.jsonl"
    papers.write_text(json.dumps(late_paper | {"announced": "2025-11-17"}) + "\n")
    lab.ok("ingest", "jsonl", "--file", str(papers))

    lab.ok("run", "--inline")

    assert smtp.recipients() == EVERYONE
    [to_dan] = [mail.raw for mail in smtp.log if mail.recipient == "dan@example.com"]
    assert b"Late bandits" in to_dan
