"""`digest mail`: one person's mail of the day, without a server and with one file of state."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
import time_machine

from digest.services.runs import personal_mail
from tests.digest.cli.conftest import Terminal
from tests.patience import wait_for
from tests.servers import DATA, MailServer
from tests.wire_server import WireServer, Work, status

ME = "me@example.org"
MONDAY = date(2025, 9, 29)


def _work(number: int, day: date, title: str) -> Work:
    return Work(f"2509.{number:05}", title, f"We study {title}.", ("Ada Byron",), ("cs.CL",), day)


@pytest.fixture
def wire(configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    """arXiv with two days of papers."""
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.01)
    with WireServer() as server:
        server.works = [_work(n, MONDAY, f"Linear bandits {n}") for n in range(1, 4)]
        server.works += [_work(n, MONDAY + timedelta(days=1), f"Contextual bandits {n}") for n in range(4, 6)]
        server.works.append(_work(9, MONDAY, "Protein folding"))
        configured(**server.settings, SOURCES="arxiv-rss", SOURCE_PATIENCE=5)
        yield server


@pytest.fixture
def travel(wire: WireServer) -> Iterator[Callable[[date], None]]:
    """Sets the day of clock and sources; it begins with Monday."""
    travels: list[time_machine.travel] = []

    def go(day: date) -> None:
        if travels:
            travels.pop().stop()
        travels.append(time_machine.travel(datetime(day.year, day.month, day.day, 9, tzinfo=UTC), tick=True))
        travels[0].start()
        wire.today = day

    go(MONDAY)
    yield go
    travels.pop().stop()


@pytest.fixture
def command(terminal: Terminal, smtp: MailServer, travel: Callable[[date], None], tmp_path: Path) -> list[str]:
    """The command line without the place where the mail goes."""
    topics = tmp_path / "topics.txt"
    topics.write_text("# what I read\n\nbandits\n")
    return [
        "mail",
        "--to",
        ME,
        "--topics",
        str(topics),
        "--state",
        str(tmp_path / "state" / "papers.db"),
        "--category",
        "cs.CL",
    ]


def _mail(smtp: MailServer) -> str:
    [received] = smtp.log
    message = message_from_bytes(received.raw, policy=default)
    return "\n".join(part.get_content() for part in message.iter_parts())


def test_the_first_mail_brings_the_days_papers_for_the_topics(
    terminal: Terminal, smtp: MailServer, command: list[str]
) -> None:
    terminal.ok(*command)

    assert smtp.recipients() == {ME: 1}
    assert "Linear bandits 3" in _mail(smtp)
    assert "Protein folding" not in _mail(smtp)


def test_a_second_time_on_a_day_asks_no_source_and_sends_nothing(
    terminal: Terminal, smtp: MailServer, wire: WireServer, command: list[str]
) -> None:
    terminal.ok(*command)
    requests = len(wire.log)
    second_result = terminal.run(*command)

    assert (second_result.exit_code, smtp.recipients(), len(wire.log)) == (0, {ME: 1}, requests)
    assert "the mail went out before" in second_result.stderr


def _waits_for_lock(folder: Path) -> bool:
    """True while somebody waits for a lock of the folder (proc(5): such a line has an arrow before its kind)."""
    waiting = [line for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(f":{folder.stat().st_ino} " in line for line in waiting)


def test_a_call_waits_for_another_one_with_the_same_state_before_it_asks_a_source(
    terminal: Terminal, wire: WireServer, command: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with ThreadPoolExecutor(1) as executor:
        call = executor.submit(terminal.run, *command, "--print")
        try:
            wait_for(lambda: _waits_for_lock(folder))
            requests, files = list(wire.log), list(folder.iterdir())
        finally:
            os.close(descriptor)

    assert (requests, files) == ([], [])
    assert call.result().exit_code == 0
    assert f"waiting for another `digest mail` with a state in {folder}\n" in call.result().stderr


def test_the_next_days_mail_has_only_what_is_new(
    terminal: Terminal, smtp: MailServer, command: list[str], travel: Callable[[date], None]
) -> None:
    terminal.ok(*command)
    smtp.log.clear()
    travel(MONDAY + timedelta(days=1))
    terminal.ok(*command)

    assert "Contextual bandits" in _mail(smtp)
    assert "Linear bandits" not in _mail(smtp)


def test_changed_topics_count_from_the_next_mail_on(
    terminal: Terminal, smtp: MailServer, command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "topics.txt").write_text("protein folding\n")
    terminal.ok(*command)

    assert "Protein folding" in _mail(smtp)


def test_the_mail_links_to_papers_alone_and_says_how_to_stop(
    terminal: Terminal, smtp: MailServer, command: list[str]
) -> None:
    terminal.ok(*command)

    mail = _mail(smtp)
    assert {re.sub(r"^https?://([^/]+).*", r"\1", url) for url in re.findall(r"https?://[^\s\"<>]+", mail)} == {
        "arxiv.org"
    }
    assert "remove your address from that job" in " ".join(mail.split())
    assert b"List-Unsubscribe" not in smtp.log[0].raw


def test_the_state_is_one_file(terminal: Terminal, smtp: MailServer, command: list[str], tmp_path: Path) -> None:
    terminal.ok(*command)

    assert [file.name for file in (tmp_path / "state").iterdir()] == ["papers.db"]


def test_a_damaged_state_is_named_with_its_cure(terminal: Terminal, command: list[str], tmp_path: Path) -> None:
    state = tmp_path / "state" / "papers.db"
    state.parent.mkdir()
    state.write_bytes(b"no database")

    code, error = terminal.refused(*command)

    assert code == 1
    assert f"{state}: the database is damaged" in error
    assert "move it away" in error
    assert "migrate" not in error


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ("CREATE TABLE customers (id)", "the database holds tables of another program (customers); name another file"),
        (None, "is of a newer release"),
    ],
)
def test_a_file_that_is_no_state_of_this_release_is_named(
    terminal: Terminal, command: list[str], tmp_path: Path, statements: str | None, message: str
) -> None:
    state = tmp_path / "state" / "papers.db"
    if statements is None:
        terminal.ok(*command, "--print")
    state.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(state)) as connection, connection:
        connection.execute(statements or "UPDATE alembic_version SET version_num = '9999'")

    code, error = terminal.refused(*command)

    assert code == 2
    assert f"--state: {state}: " in error
    assert message in error
    assert "DIGEST_" not in error


def test_a_state_whose_folder_can_not_be_made_is_named(terminal: Terminal, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the state's folder would be")

    code, error = terminal.refused(*command)

    assert code == 2
    assert f"--state: {tmp_path / 'state' / 'papers.db'}: the database's folder {tmp_path / 'state'}: " in error
    assert "DIGEST_" not in error


def test_a_folder_is_no_state(terminal: Terminal, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "state" / "papers.db").mkdir(parents=True)

    assert "papers.db is a folder; name a file" in terminal.refused(*command)[1]


def test_a_mail_that_the_server_deferred_goes_out_the_next_time(
    terminal: Terminal, smtp: MailServer, command: list[str], tmp_path: Path
) -> None:
    smtp.fail(DATA, "451 4.3.0 later")
    code, error = terminal.refused(*command)
    with closing(sqlite3.connect(tmp_path / "state" / "papers.db")) as state, state:
        state.execute("UPDATE delivery SET due_at = created_at")
    terminal.ok(*command)

    assert (code, "451 4.3.0 later" in error) == (1, True)
    assert smtp.recipients() == {ME: 1}


def test_a_source_that_is_down_is_named_and_its_papers_come_later(
    terminal: Terminal, smtp: MailServer, wire: WireServer, command: list[str], travel: Callable[[date], None]
) -> None:
    works, wire.works = wire.works, []
    url_is_down = terminal.run(*command)
    wire.works = works
    travel(MONDAY + timedelta(days=1))
    terminal.ok(*command)

    assert url_is_down.exit_code == 0
    assert smtp.recipients() == {ME: 1}


def test_where_no_source_answers_the_command_fails_and_says_when_to_try_again(
    terminal: Terminal, smtp: MailServer, wire: WireServer, command: list[str], travel: Callable[[date], None]
) -> None:
    wire.fail("rss", status(503), times=99)
    errors = [terminal.refused(*command) for _ in range(2)]  # the second time no source is due yet
    wire.faults.clear()
    travel(MONDAY + timedelta(days=1))
    terminal.ok(*command)

    assert [code for code, _ in errors] == [1, 1]
    for _, error in errors:
        assert re.search(r"no source answered; run it again at or after 2025-09-29 \d\d:\d\d UTC", error)
        assert "nothing new" not in error
    assert smtp.recipients() == {ME: 1}


def test_a_maildir_gets_the_mail_instead_and_once(
    terminal: Terminal, smtp: MailServer, command: list[str], tmp_path: Path
) -> None:
    for _ in range(2):
        terminal.ok(*command, "--maildir", str(tmp_path / "box"))

    [file] = (tmp_path / "box" / "new").iterdir()
    assert message_from_bytes(file.read_bytes(), policy=default)["To"] == ME
    assert smtp.log == []


def test_the_mail_can_be_printed_without_a_mail_server(
    terminal: Terminal, command: list[str], configured: Callable[..., None]
) -> None:
    configured(SMTP_URL="", MAIL_FROM="")

    printed = terminal.ok(*command, "--print")

    assert "Linear bandits 1" in printed
    assert terminal.ok(*command, "--print") == ""


def test_commas_and_semicolons_in_the_file_separate_topics(
    terminal: Terminal, command: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "topics.txt"
    file.write_text('KV cache; quantization, diffusion\n# x, y\n"risk, return" AND trading\n')

    assert personal_mail.read_topics(file) == ("KV cache", "quantization", "diffusion", '"risk, return" AND trading')


def test_every_line_in_error_is_named_with_its_number(terminal: Terminal, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "topics.txt").write_text('bandits\n# fine\n"open\nti:\n')

    code, error = terminal.refused(*command)

    assert code == 2
    assert "topics.txt, line 3: " in error
    assert "topics.txt, line 4: " in error
    assert "line 1" not in error


def test_of_many_lines_in_error_the_first_are_named(terminal: Terminal, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "topics.txt").write_text("(\n" * 60)

    error = terminal.refused(*command)[1]

    assert "topics.txt, line 5: " in error
    assert "line 6" not in error
    assert error.endswith("; and 55 more lines\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "adalab"], "--to: "),
        (["--category", "CS.LG"], "--category: arXiv has no category 'CS.LG'; did you mean cs.LG?"),
        (["--category", "poetry"], "--category: arXiv has no category 'poetry'"),
    ],
)
def test_an_option_in_error_is_named(terminal: Terminal, command: list[str], options: list[str], message: str) -> None:
    code, error = terminal.refused(*command, *options)

    assert code == 2
    assert message in error
    assert "DIGEST_" not in error


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "names no topic"),
        (b"a\nSchr\xf6der\n", "topics.txt, line 2: this is not UTF-8 text; save the file in UTF-8"),
        (b"# none\n", "names no topic"),
        (b"x" * 70_000, "64 KB"),
    ],
)
def test_a_file_without_usable_topics_is_refused(
    terminal: Terminal, command: list[str], tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "topics.txt").write_bytes(content)

    assert message in terminal.refused(*command)[1]


def test_a_missing_mail_server_is_named_before_anything_is_fetched(
    terminal: Terminal, wire: WireServer, command: list[str], configured: Callable[..., None]
) -> None:
    configured(SMTP_URL="")

    code, error = terminal.refused(*command)

    assert (code, wire.log) == (2, [])
    assert "export DIGEST_SMTP_URL=" in error
    assert "digest init" not in error


def test_old_papers_are_deleted_so_that_the_state_stays_small(
    terminal: Terminal,
    smtp: MailServer,
    command: list[str],
    travel: Callable[[date], None],
    tmp_path: Path,
    wire: WireServer,
) -> None:
    terminal.ok(*command)
    later = MONDAY + timedelta(days=60)
    wire.works = [_work(50 + n, later, f"New bandits {n}") for n in range(3)]
    for days in range(2):
        travel(later + timedelta(days=days))
        terminal.run(*command)

    with closing(sqlite3.connect(tmp_path / "state" / "papers.db")) as state:
        titles = {title for (title,) in state.execute("SELECT title FROM paper_version")}
    assert "Linear bandits 1" not in titles
    assert "New bandits 1" in titles


def test_an_address_that_is_none_is_named_by_its_option_and_not_as_the_sender(
    terminal: Terminal, command: list[str]
) -> None:
    place = command.index(ME)

    code, error = terminal.refused(*command[:place], "nobody", *command[place + 1 :])
    assert code == 2
    assert error.startswith("digest: --to: ")
