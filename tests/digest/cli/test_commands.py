"""Commands: what they print, their JSON forms, their exit codes, their one clear line of error."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from digest import clock
from digest.cli import init
from digest.db.core.engine import transaction
from digest.db.outbox import deliveries
from digest.queues import NoQueue
from digest.services.editions import welcome
from tests.combinations import MAINLY_SQLITE
from tests.digest.cli.conftest import Terminal
from tests.servers import RCPT, MailServer

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ROWS = [
    {"id": "2511.00001", "title": "Linear bandits", "abstract": "We study bandits.", "authors": ["Ada Byron"]},
    {"id": "2511.00002", "title": "[re] A kernel \x1b[31mof [/b] truth", "abstract": "None.", "authors": ["B. Boole"]},
]


@pytest.fixture
def papers(tmp_path: Path) -> str:
    file = tmp_path / "papers.jsonl"
    file.write_text("".join(json.dumps(row | {"announced": "2025-11-17"}) + "\n" for row in ROWS))
    return str(file)


@pytest.fixture
def lab(ready: Terminal, papers: str) -> Terminal:
    """Two papers, and a subscriber of one of them."""
    ready.ok("ingest", "jsonl", "--file", papers)
    ready.ok("admin", "subscribers", "add", "ada@example.com", "--topic", "bandits", "--consent", "asked in person")
    return ready


def test_ingest_ends_with_counts_in_the_form_that_is_promised(ready: Terminal, papers: str) -> None:
    output = json.loads(ready.ok("ingest", "jsonl", "--file", papers, "--json"))

    assert output == {"source": "jsonl", "new": 2, "updated": 0, "unchanged": 0, "bad": 0}


@SQLITE
@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("cannotDisseminateFormat", 1), ("badResumptionToken", 1), ("badVerb", 1), ("noRecordsMatch", 0)],
)
def test_a_saved_error_of_oai_pmh_is_refused_in_whole_words(
    ready: Terminal, tmp_path: Path, code: str, exit_code: int
) -> None:
    file = tmp_path / "page.xml"
    head = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    file.write_text(f'{head}<error code="{code}">{"explanation " * 40}</error></OAI-PMH>')

    result = ready.run("ingest", "arxiv-oai", "--file", str(file))

    assert result.exit_code == exit_code
    assert (code in result.stderr) == bool(exit_code)
    assert set(re.findall(r"expl\w*", result.stderr)) <= {"explanation"}


@SQLITE
def test_ingest_names_what_it_refused_on_standard_error(ready: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"title": "A title of some words"}\nnot json\n')

    result = ready.run("ingest", "jsonl", "--file", str(file))

    assert result.exit_code == 0
    assert result.stdout == "1 new, 0 updated, 0 unchanged, 1 refused\n"
    assert result.stderr.startswith("refused: no. 2: line: not JSON")


@SQLITE
def test_an_ingest_that_could_use_nothing_has_failed(ready: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_text("<rss><channel>")

    code, error = ready.refused("ingest", "arxiv-rss", "--file", str(file))

    assert code == 1
    assert error == "refused: no. 1: malformed XML at line 1, column 15\n"


@MAINLY_SQLITE
def test_run_says_what_it_did_in_the_form_that_is_promised(lab: Terminal, smtp: MailServer) -> None:
    output = json.loads(lab.ok("run", "--date", "2025-11-17", "--inline", "--json"))

    assert output == {
        "date": "2025-11-17",
        "queued": 0,
        "sent": 1,
        "deferred": 0,
        "rejected": 0,
        "uncertain": 0,
        "skipped": 0,
        "papers": 1,
    }
    assert smtp.recipients() == {"ada@example.com": 1}


@SQLITE
def test_a_dry_run_sends_nothing_and_counts_the_same(lab: Terminal, smtp: MailServer) -> None:
    output = json.loads(lab.ok("run", "--date", "2025-11-17", "--dry-run", "--json"))

    assert (output["queued"], output["papers"], smtp.log) == (1, 1, [])


@SQLITE
def test_a_run_for_one_subscriber_leaves_the_others(lab: Terminal, smtp: MailServer) -> None:
    lab.ok("admin", "subscribers", "add", "bob@example.com", "--topic", "bandits", "--consent", "asked in person")

    lab.ok("run", "--date", "2025-11-17", "--inline", "--only", "bob@example.com")

    assert smtp.recipients() == {"bob@example.com": 1}


@SQLITE
def test_commas_and_semicolons_separate_the_topics_of_a_new_subscriber(lab: Terminal) -> None:
    lab.ok("admin", "subscribers", "add", "cyd@example.com", "--topic", "bandits; KV, trees", "--consent", "asked")

    rows = csv.DictReader(io.StringIO(lab.ok("admin", "subscribers", "export")))
    assert [row["topics"].split("\n") for row in rows if row["address"] == "cyd@example.com"] == [
        ["bandits", "KV", "trees"]
    ]


@SQLITE
def test_waiting_without_a_worker_fails_at_once(lab: Terminal) -> None:
    code, error = lab.refused("run", "--date", "2025-11-17", "--wait")

    assert code == 1
    assert error.startswith("digest: no worker answers: start one with `digest worker`")


@SQLITE
def test_a_run_for_an_unknown_address_is_refused_with_a_message(lab: Terminal) -> None:
    assert lab.refused("run", "--only", "nobody@example.com", "--inline") == (
        1,
        "digest: nobody is subscribed as nobody@example.com\n",
    )


def test_preview_has_the_form_that_is_promised(lab: Terminal) -> None:
    output = json.loads(
        lab.ok("preview", "--topic", "bandits", "--date", "2025-11-17", "--days", "1", "--format", "json")
    )

    ((day,),) = (output["days"],)
    (paper,) = day["papers"]
    assert day["date"] == "2025-11-17"
    assert set(paper) == {"id", "title", "score", "strict", "matched", "example", "example_words", "trending"}
    assert (paper["id"], paper["strict"], paper["trending"]) == ("2511.00001", True, None)
    assert paper["matched"] == [{"topic": "bandits", "words": ["bandits"]}]


def test_a_topic_in_titles_gets_its_first_two_papers_in_a_preview(ready: Terminal, tmp_path: Path) -> None:
    phrases = ("KV cache", "speculative decoding", "mixture of experts")
    rows = [
        {"title": f"Fast inference {n}", "abstract": f"We speed up {phrases[n % 3]} by a trick."} for n in range(15)
    ]
    rows += [{"title": f"Quantization of large networks, part {n}", "abstract": "Few bits suffice."} for n in range(4)]
    file = tmp_path / "day.jsonl"
    file.write_text("".join(json.dumps(row | {"announced": "2025-11-17"}) + "\n" for row in rows))
    ready.ok("ingest", "jsonl", "--file", str(file))
    topics = [word for topic in (*phrases, "quantization") for word in ("--topic", topic)]

    preview = json.loads(ready.ok("preview", *topics, "--date", "2025-11-17", "--days", "1", "--format", "json"))

    matched_topics = [matched["topic"] for paper in preview["days"][0]["papers"] for matched in paper["matched"]]
    assert len(preview["days"][0]["papers"]) == 10
    assert matched_topics.count("quantization") == 2


@SQLITE
def test_titles_are_text_never_markup_or_escapes(lab: Terminal) -> None:
    output = lab.ok("preview", "--topic", "kernel", "--date", "2025-11-17")

    assert "[re] A kernel [31mof [/b] truth" in output
    assert "\x1b[31m" not in output


@SQLITE
def test_a_preview_names_a_topic_once_and_no_number_without_a_scale(lab: Terminal) -> None:
    printed = lab.ok("preview", "--topic", "bandits")

    assert re.search(r"^Linear bandits *\n2511\.00001 · matches bandits *$", printed, re.MULTILINE)


@SQLITE
def test_preview_as_html_is_escaped(lab: Terminal) -> None:
    output = lab.ok("preview", "--topic", "bandits", "--date", "2025-11-17", "--format", "html")

    assert "<li>Linear bandits <small>bandits</small></li>" in output


@SQLITE
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--topic", "(bandits AND"), r"topics: ‘\(bandits AND’: .* at position 13: expected"),
        (("--topic", "(a AND"), r"topics: ‘\(a AND’: the query ends at position 7: expected"),
        (("--topic", "(a"), r"topics: ‘\(a’: the parenthesis at 1 is open"),
        (("--topic", "(the AND of"), r"topics: ‘\(the AND of’: the parenthesis at 1 is open"),
        (("--exclude", '"open'), 'exclusions: ‘"open’: a quote is open at position 1'),
        (("--category", "nonsense"), "categories: 'nonsense' is not a subject"),
        (("--author", "1"), "authors: '1' is not a name"),
    ],
)
def test_a_profile_in_error_is_refused_by_field_and_position(
    ready: Terminal, words: tuple[str, str], message: str
) -> None:
    code, line = ready.refused("preview", *words)

    assert code == 2
    assert re.match(f"digest: {message}", line)
    assert line.count("\n") == 1


@SQLITE
def test_a_subscriber_is_shown_with_the_labels_of_the_preferences(ready: Terminal) -> None:
    ready.ok("admin", "subscribers", "add", "ada@example.com", "--topic", "bandits", "--consent", "asked")

    details = ready.ok("admin", "subscribers", "show", "ada@example.com")

    assert re.search(r"How often +every day", details)
    assert re.search(r"Close matches +yes, papers near my topics too", details)
    assert re.search(r"How close they have to be +usual: about 5 papers a day", details)
    assert "weekday" not in details
    assert "Day of the week" not in details
    assert json.loads(ready.ok("admin", "subscribers", "show", "ada@example.com", "--json"))["weekday"] == 0


@SQLITE
def test_a_weekly_subscriber_is_shown_with_the_day_of_the_week(ready: Terminal) -> None:
    preferences = ("--set", "cadence=weekly", "--set", "weekday=2", "--set", "close=no")
    ready.ok("admin", "subscribers", "add", "ada@example.com", "--topic", "bandits", "--consent", "asked", *preferences)

    details = ready.ok("admin", "subscribers", "show", "ada@example.com")

    assert re.search(r"Day of the week +Wednesday", details)
    assert re.search(r"Close matches +no, only my words as written", details)


@SQLITE
def test_why_explains_the_mail_and_the_paper(lab: Terminal) -> None:
    lab.ok("run", "--date", "2025-11-17", "--inline")

    mail = lab.ok("why", "ada@example.com")
    paper = lab.ok("why", "ada@example.com", "2511.00001")

    assert "newest edition: 2025-11-17 (digest), 1 paper of 2 considered" in mail
    assert "digest mail: sent, 1 try" in mail
    assert paper.startswith("sent on 2025-11-17 in the section new: matches ‘bandits’\n")


@SQLITE
@pytest.mark.parametrize("words", [("why", "nobody@example.com"), ("why", "ada@example.com", "9999.99999")])
def test_why_about_unknown_addresses_and_papers_is_one_line(lab: Terminal, words: tuple[str, ...]) -> None:
    code, error = lab.refused(*words)

    assert code == 1
    assert error.count("\n") == 1


@SQLITE
def test_listings_are_json_on_request(lab: Terminal) -> None:
    lab.ok("run", "--date", "2025-11-17", "--inline")

    people = json.loads(lab.ok("admin", "subscribers", "list", "--json"))
    runs = json.loads(lab.ok("admin", "runs", "list", "--json"))
    stats = json.loads(lab.ok("admin", "stats", "--json"))

    assert people[0]["topics"] == "bandits"
    assert (runs[0]["sent"], runs[0]["papers"]) == (1, 1)
    assert (stats["papers"], stats["active"], stats["sent"]) == (2, 1, 1)


def test_what_is_exported_can_be_imported_elsewhere(lab: Terminal, tmp_path: Path) -> None:
    extra = ("--topic", '"thompson sampling" AND bandit*', "--category", "cs.LG", "--time-zone", "Asia/Tokyo")
    lab.ok("admin", "subscribers", "add", "bob@example.com", *extra, "--consent", "asked in person")
    file = tmp_path / "people.csv"
    file.write_text(lab.ok("admin", "subscribers", "export"))
    for address in ("ada@example.com", "bob@example.com"):
        lab.ok("admin", "subscribers", "erase", address)

    output = lab.ok("admin", "subscribers", "import", str(file), "--consent", "as in the old system")

    assert output.splitlines()[-1] == "2 added, 0 refused"
    assert lab.ok("admin", "subscribers", "export") == file.read_text()


@MAINLY_SQLITE
def test_a_json_export_keeps_suppressed_subscribers(lab: Terminal, tmp_path: Path, smtp: MailServer) -> None:
    lab.ok("admin", "suppress", "ada@example.com", "--reason", "complaint")
    lab.ok("admin", "suppress", "bob@example.com", "--reason", "complaint")
    file = tmp_path / "people.json"
    file.write_text(lab.ok("admin", "subscribers", "export", "--json"))
    lab.ok("admin", "subscribers", "erase", "ada@example.com")
    lab.ok("admin", "unsuppress", "ada@example.com")
    lab.ok("admin", "unsuppress", "bob@example.com")

    output = lab.ok("admin", "subscribers", "import", str(file), "--consent", "as in the old system")
    lab.ok("run", "--date", "2025-11-17", "--inline")

    assert output.splitlines()[-1] == "2 added, 0 refused"
    assert json.loads(lab.ok("admin", "subscribers", "export", "--json")) == json.loads(file.read_text())
    assert smtp.recipients() == {}


@SQLITE
def test_an_import_refuses_the_bad_rows_by_line_and_takes_the_rest(ready: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    rows = ("ada@example.com,bandits", "not an address,x", 'bob@example.com,"(a"', "cy@example.com,x,Mars/Base")
    file.write_text("address,topics,time_zone\n" + "\n".join(rows) + "\n")

    result = ready.run("admin", "subscribers", "import", str(file), "--consent", "asked in person")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "1 added, 3 refused"
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["line 3", "line 4", "line 5"]


@SQLITE
@pytest.mark.parametrize("data", [b"", b"name\nada\n", b"\xff\xfe\x00", b'address\n"' + b"x" * 200_000 + b'"\n'])
def test_a_file_that_is_no_such_table_is_one_line(ready: Terminal, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(data)

    code, error = ready.refused("admin", "subscribers", "import", str(file), "--consent", "asked")

    assert code == 2
    assert error.count("\n") == 1
    assert "people.csv" in error


@MAINLY_SQLITE
def test_resend_sends_the_edition_again_as_a_new_mail(lab: Terminal, smtp: MailServer) -> None:
    lab.ok("run", "--date", "2025-11-17", "--inline")

    lab.ok("admin", "resend", "ada@example.com")
    printed = lab.ok("run", "--inline")

    assert printed.startswith("1 sent, ")
    first, second = smtp.log
    assert first.message_id != second.message_id
    assert first.message_id.startswith("<digest.")
    assert second.message_id.startswith("<resend.")


@SQLITE
def test_resend_to_a_suppressed_address_is_refused_with_the_reason(lab: Terminal) -> None:
    lab.ok("run", "--date", "2025-11-17", "--inline")
    lab.ok("admin", "suppress", "ada@example.com", "--reason", "asked by letter")

    code, error = lab.refused("admin", "resend", "ada@example.com")

    assert code == 1
    assert re.match(r"digest: not sent: ada@example.com is suppressed since \d{4}-\d\d-\d\d \(asked by letter\)", error)


@SQLITE
def test_suppress_and_back(lab: Terminal, smtp: MailServer) -> None:
    lab.ok("admin", "suppress", "ada@example.com")
    lab.ok("run", "--date", "2025-11-17", "--inline")
    none = len(smtp.log)
    lab.ok("admin", "unsuppress", "ada@example.com")
    lab.ok("admin", "resend", "ada@example.com")
    lab.ok("run", "--inline")

    assert none == 0
    assert len(smtp.log) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("ingest", "jsonl", "--file", "none.jsonl"),
        ("run", "--inline"),
        ("run", "--date", "2025-11-17", "--inline"),
        ("preview", "--topic", "bandits"),
        ("why", "ada@example.com"),
        ("admin", "stats"),
        ("admin", "runs", "list"),
        ("admin", "subscribers", "list"),
        ("admin", "subscribers", "add", "ada@example.com", "--consent", "asked"),
        ("admin", "suppress", "ada@example.com"),
    ],
)
def test_on_a_database_never_migrated_the_cure_is_named(
    terminal: Terminal, smtp: MailServer, configured: Callable[..., None], tmp_path: Path, words: tuple[str, ...]
) -> None:
    configured(DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}", SECRET_KEY="a key for tests of at least 32 bytes")
    (tmp_path / "new.db").touch()
    (tmp_path / "none.jsonl").write_text('{"title": "A title of some words"}\n')
    words = tuple(str(tmp_path / word) if word == "none.jsonl" else word for word in words)

    code, error = terminal.refused(*words)

    assert code == 2
    assert re.fullmatch(r"digest: the database's schema is empty, not \w+; run: digest migrate\n", error)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DATABASE_URL": "nonsense"}, "DIGEST_DATABASE_URL: expected postgresql"),
        ({"DATABASE_URL": "mysql+nothing://user:secret@host/db"}, "DIGEST_DATABASE_URL: expected postgresql"),
        ({"DATABASE_URL": "sqlite:////proc/nowhere/digest.db"}, "there is no database /proc/nowhere"),
        ({"PORT": "eighty"}, "DIGEST_PORT: "),
        ({"LEASE": "10"}, "DIGEST_LEASE: 10 s must be longer than DIGEST_MESSAGE_TIMEOUT"),
    ],
)
def test_a_setting_in_error_is_named(
    terminal: Terminal, configured: Callable[..., None], settings: dict[str, str], message: str
) -> None:
    configured(**settings)

    code, line = terminal.refused("admin", "stats")

    assert code == 2
    assert re.match(f"digest: {message}", line)
    assert "secret" not in line


@SQLITE
def test_an_inline_run_without_a_mail_server_stops_before_it_chooses(
    database: str, terminal: Terminal, configured: Callable[..., None]
) -> None:
    configured(SECRET_KEY="a key for tests of at least 32 bytes", MAIL_FROM="papers@digest.example")

    code, error = terminal.refused("run", "--inline")

    assert code == 2
    assert error.startswith("digest: DIGEST_SMTP_URL is not set")
    assert terminal.ok("admin", "runs", "list") == "none\n"


def test_migrate_names_a_folder_that_cannot_be_made(terminal: Terminal, configured: Callable[..., None]) -> None:
    configured(DATABASE_URL="sqlite:////proc/nowhere/digest.db")

    code, error = terminal.refused("migrate")
    assert code == 2
    assert "the database's folder /proc/nowhere" in error


def test_migrate_makes_the_tables_and_says_so(
    terminal: Terminal, configured: Callable[..., None], tmp_path: Path
) -> None:
    configured(DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")

    first, second = terminal.ok("migrate"), terminal.ok("migrate")

    assert re.fullmatch(r"the schema is \w+ \(was empty\)\nnext: digest ingest, [^\n]*\n", first)
    assert re.fullmatch(r"the schema is \w+, as before\n", second)


@SQLITE
def test_doctor_names_what_is_wrong_and_the_cure(
    database: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = terminal.run("doctor", "--json")

    checks = {(check["name"], check["level"]): check for check in reversed(json.loads(result.stdout))}
    assert result.exit_code == 1
    assert "DIGEST_SECRET_KEY is not set" in checks["settings", "error"]["text"]
    assert checks["database", "ok"]


def test_init_writes_secrets_that_only_the_owner_reads(terminal: Terminal, tmp_path: Path, smtp: MailServer) -> None:
    file = tmp_path / ".env"
    file.write_text("old")
    file.chmod(0o644)
    command = (
        "--mail-from",
        "It's Papers <papers@digest.example>",
        "--smtp-url",
        smtp.url,
        "--admin",
        "root@digest.example",
    )
    more = ("--base-url", "https://digest.example", "--postal-address", "1 O'Hare Street", "--env-file", str(file))

    refused = terminal.refused("init", *command, *more)
    output = terminal.ok("init", *command, *more, "--force")

    assert refused[0] == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert smtp.recipients() == {"root@digest.example": 1}
    assert output.endswith("next: digest migrate, digest ingest, digest doctor, then digest up\n")


@SQLITE
def test_init_asks_again_for_the_answer_that_is_invalid_and_for_no_other(
    terminal: Terminal, tmp_path: Path, database: str
) -> None:
    answers = [
        "nobody",
        "Papers <papers@digest.example>",
        "mail.example",
        "smtp://mail.example",
        "digest.example",
        "https://digest.example",
        "Street 1",
        "root",
        "root@digest.example",
    ]
    file = tmp_path / ".env"
    result = terminal.run("init", "--no-test-mail", "--env-file", str(file), input="".join(f"{a}\n" for a in answers))

    printed = result.stdout + result.stderr
    assert result.exit_code == 0
    assert [printed.count(f"{question} (") for question in ("Sender of the mails", "Mail server")] == [2, 2]
    assert (printed.count("Address of the service in"), printed.count("Postal address for")) == (2, 1)
    assert printed.count("mail server: begin with smtp://") == 1
    assert "DIGEST_ADMIN_EMAILS='root@digest.example'" in file.read_text()


@SQLITE
def test_init_says_what_is_left_to_do_where_the_test_mail_is_refused(
    terminal: Terminal, tmp_path: Path, database: str, smtp: MailServer
) -> None:
    smtp.fail(RCPT, "550 5.7.1 relaying denied", times=9)
    file = tmp_path / ".env"
    answers = ("--mail-from", "papers@digest.example", "--smtp-url", smtp.url, "--base-url", "http://127.0.0.1:8000",
               "--postal-address", "Street 1", "--admin", "root@digest.example")  # fmt: skip

    result = terminal.run("init", *answers, "--env-file", str(file))

    assert result.exit_code == 1
    assert file.exists()
    assert "the settings are written" in result.stdout
    assert "digest doctor" in result.stdout


def test_init_whose_input_ends_names_the_missing_option(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = terminal.run("init", "--mail-from", "papers@one.example", input="")
    assert result.exit_code == 2
    assert "standard input ended without an answer; give --smtp-url" in result.stderr
    assert not (tmp_path / ".env").exists()


def test_init_without_standard_input_names_the_missing_option(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "sys", SimpleNamespace(stdin=None))

    code, error = terminal.refused("init", "--env-file", str(tmp_path / ".env"))

    assert code == 2
    assert "give --mail-from" in error


@SQLITE
@pytest.mark.parametrize("option", ["--smtp-url=mail.example", "--admin=root", "--base-url=digest.example"])
def test_init_refuses_an_invalid_option_before_it_asks_anything(
    terminal: Terminal, tmp_path: Path, database: str, option: str
) -> None:
    result = terminal.run("init", option, "--env-file", str(tmp_path / ".env"))

    assert result.exit_code != 0
    assert "Sender of the mails" not in result.stdout


@SQLITE
def test_init_refuses_an_existing_file_before_it_asks_anything(
    terminal: Terminal, tmp_path: Path, database: str
) -> None:
    (tmp_path / ".env").write_text("mine")

    result = terminal.run("init", "--env-file", str(tmp_path / ".env"))

    assert "is there already" in result.stderr
    assert "Sender of the mails" not in result.stdout


@SQLITE
@pytest.mark.parametrize("kind", ["systemd", "caddy", "nginx", "monitoring", "workflow"])
def test_files_for_other_tools_come_with_the_next_step(ready: Terminal, tmp_path: Path, kind: str) -> None:
    output = ready.ok("init", f"--{kind}", str(tmp_path / kind))

    assert output.count("next: ") == 1


@pytest.mark.parametrize("command", ["", "ingest", "run", "preview", "why", "admin", "doctor", "init", "bounces"])
def test_every_command_explains_itself(terminal: Terminal, command: str) -> None:
    help_text = terminal.ok(*command.split(), "--help")

    assert "Usage: " in help_text


def test_an_unknown_command_is_wrong_usage(terminal: Terminal) -> None:
    assert terminal.refused("frobnicate")[0] == 2


@SQLITE
def test_paused_domains_are_listed_and_released(ready: Terminal) -> None:
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", clock.now() + timedelta(hours=6), "550 5.7.1 no")
    (row,) = json.loads(ready.ok("admin", "domains", "list", "--json"))
    listing = ready.ok("admin", "domains", "list")

    released = ready.ok("admin", "domains", "release", "one.example")
    code, error = ready.refused("admin", "domains", "release", "one.example")

    assert (row["domain"], row["waiting"], row["reason"]) == ("one.example", 0, "550 5.7.1 no")
    assert "one.example" in listing
    assert released == "released: 0 e-mails to one.example\n"
    assert json.loads(ready.ok("admin", "domains", "list", "--json")) == []
    assert (code, error.count("\n")) == (1, 1)
    assert "one.example is not paused" in error


@pytest.fixture
def people(tmp_path: Path) -> str:
    file = tmp_path / "people.csv"
    file.write_text("address,topics\nada@example.com,bandits\nbob@example.com,kernel\nada@example.com,bandits\nx,y\n")
    return str(file)


def welcomes(later: timedelta = timedelta(minutes=3)) -> int:
    """How many welcome mails the scheduler would enqueue then."""
    return welcome.enqueue_missing_welcomes(NoQueue(), now=clock.now() + later)


@MAINLY_SQLITE
def test_a_dry_import_says_what_would_happen_and_adds_nobody(ready: Terminal, people: str) -> None:
    dry = ready.run("admin", "subscribers", "import", people, "--consent", "asked", "--dry-run")
    subscribers = json.loads(ready.ok("admin", "subscribers", "list", "--json"))
    real = ready.run("admin", "subscribers", "import", people, "--consent", "asked")
    second_import = ready.run("admin", "subscribers", "import", people, "--consent", "asked", "--dry-run")

    assert subscribers == []
    assert dry.stdout.splitlines()[0].startswith("whoever is added would get one welcome e-mail")
    assert dry.stdout.splitlines()[-1] == "2 would be added, 2 refused"
    assert real.stdout.splitlines()[-1] == "2 added, 2 refused"
    assert [line[:7] for line in dry.stderr.splitlines()] == [line[:7] for line in real.stderr.splitlines()]
    assert second_import.stdout.splitlines()[-1] == "0 would be added, 4 refused"


def test_a_dry_import_sees_what_is_suppressed(ready: Terminal, people: str) -> None:
    ready.ok("admin", "suppress", "bob@example.com")

    result = ready.run("admin", "subscribers", "import", people, "--consent", "asked", "--dry-run")

    assert result.stdout.splitlines()[-1] == "1 would be added, 3 refused"
    assert "line 3: mail to bob@example.com is stopped here" in result.stderr


def test_an_import_says_that_welcomes_follow_and_they_do(ready: Terminal, people: str) -> None:
    result = ready.run("admin", "subscribers", "import", people, "--consent", "asked")

    assert "gets one welcome e-mail within minutes" in result.stdout
    assert welcomes() == 2


def test_an_import_without_welcome_sends_none(ready: Terminal, people: str) -> None:
    result = ready.run("admin", "subscribers", "import", people, "--consent", "asked", "--no-welcome")
    ready.ok("admin", "subscribers", "add", "cyd@example.com", "--consent", "asked", "--topic", "x", "--no-welcome")

    assert "gets no welcome" in result.stdout
    assert result.stdout.splitlines()[-1] == "2 added, 2 refused"
    assert [welcomes(timedelta(minutes=minutes)) for minutes in (3, 300, 1439)] == [0, 0, 0]


def test_an_inline_run_sends_the_welcome_editions_of_imported_and_added_people_once(
    ready: Terminal, papers: str, tmp_path: Path, smtp: MailServer
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("address,topics\nada@example.com,bandits\nbob@example.com,kernel\n")
    ready.ok("ingest", "jsonl", "--file", papers)
    ready.ok("admin", "subscribers", "import", str(people), "--consent", "asked")
    ready.ok("admin", "subscribers", "add", "cyd@example.com", "--consent", "asked", "--topic", "bandits")
    ready.ok("admin", "subscribers", "add", "dan@example.com", "--consent", "asked", "--topic", "bandits")
    ready.ok(
        "admin", "subscribers", "add", "eve@example.com", "--consent", "asked", "--topic", "bandits", "--no-welcome"
    )

    ready.ok("run", "--only", "dan@example.com", "--inline")
    first_recipients = smtp.recipients()
    result = json.loads(ready.ok("run", "--inline", "--json"))
    ready.ok("run", "--inline")

    assert first_recipients == {"dan@example.com": 1}
    assert result["sent"] == 3
    assert smtp.recipients() == {f"{name}@example.com": 1 for name in ("ada", "bob", "cyd", "dan")}


@SQLITE
def test_a_complete_run_can_not_be_paused_and_the_command_line_says_why(lab: Terminal) -> None:
    lab.ok("run", "--date", "2025-11-17", "--inline")
    code, error = lab.refused("admin", "runs", "pause", "1")

    assert code != 0
    assert "run 1 is complete: none of its mails waits, so there is nothing to pause" in error


@SQLITE
@pytest.mark.parametrize("date", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize(
    "command",
    [
        ("preview", "--topic", "bandits", "--date"),
        ("run", "--dry-run", "--date"),
        ("export", "papers", "--since"),
        ("admin", "unsuppress", "--dry-run", "--since"),
        ("replay", "--to", "2025-11-17", "--from"),
        ("ingest", "arxiv-oai", "--from"),
    ],
)
def test_a_date_that_days_cannot_be_counted_from_is_refused(
    ready: Terminal, command: tuple[str, ...], date: str
) -> None:
    code, error = ready.refused(*command, date)

    assert code == 2
    assert "use a date from 1900 to 2999" in " ".join(error.split())


@SQLITE
@pytest.mark.parametrize("reason", ["", " \u200b "])
def test_an_address_is_not_suppressed_without_a_reason(ready: Terminal, reason: str) -> None:
    _, error = ready.refused("admin", "suppress", "ada@one.example", "--reason", reason)

    assert "reason: say why" in error


@SQLITE
@pytest.mark.parametrize("command", ["ingest arxiv-rss", "doctor"])
def test_a_name_that_cannot_be_resolved_is_named_with_the_cause(
    ready: Terminal, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def unresolved(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    configured(ARXIV_RSS_URL="http://papers.invalid", SMTP_URL="smtp://mail.invalid", SOURCE_PATIENCE=0)
    monkeypatch.setattr(socket, "getaddrinfo", unresolved)

    result = ready.run(*command.split())
    text = result.stdout + result.stderr
    assert result.exit_code == 1
    assert "its name can't be resolved" in text
    assert "Errno" not in text
    assert "source_fetched" not in text


@pytest.mark.parametrize(
    "command",
    ["preview --topic bandits", "why ada@example.com", "sources list", "admin stats", "admin suppress ada@example.com",
     "backup", "replay --from 2025-11-17 --to 2025-11-18", "export papers --ids 2511.00001"],
)  # fmt: skip
def test_a_command_without_a_database_says_so_and_creates_none(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)

    code, error = terminal.refused(*command.split())
    assert code == 2
    assert "there is no database" in error
    assert not list(tmp_path.rglob("*.db"))
