"""`digest doctor` on a misconfigured installation: one fault at a time, its level, and an exit code for monitoring."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from sqlalchemy import text

from digest import clock, file_fingerprints, redis, settings
from digest.db.core import schema_migration
from digest.db.core.engine import transaction
from digest.errors import MailDeferred
from digest.mail.mime import dkim
from digest.mail.smtp import probe, sender_domain_records
from digest.queues import QUEUES
from digest.redis import PrivateRedis
from digest.services.admin import doctor_host
from digest.services.delivery import render_messages
from tests.digest.cli.conftest import Terminal
from tests.patience import wait_for

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
DOMAIN = "digest.lab"


@pytest.fixture(autouse=True)
def no_dns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unreachable(host: str, port: int) -> datetime:
        raise OSError("no network in tests")

    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: [])
    monkeypatch.setattr(doctor_host, "_certificate_end", unreachable)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def redis_server(ready: Terminal, configured: Callable[..., None]) -> Iterator[PrivateRedis]:
    with PrivateRedis() as server:
        configured(REDIS_URL=server.url)
        yield server


def findings(terminal: Terminal, name: str) -> list[tuple[str, str]]:
    """Level and text of the findings of one check."""
    return [
        (row["level"], row["text"])
        for row in json.loads(terminal.run("doctor", "--json").stdout)
        if row["name"] == name
    ]


def make_progress(server: PrivateRedis, pid: int) -> None:
    """Record progress as a scheduler and a worker of all queues with that process id."""
    store = redis.connect(server.url)
    store.task_ended(f"{socket.gethostname()}:{pid}", QUEUES)
    store.record_progress(f"{socket.gethostname()}:{pid}", redis.SCHEDULER)


def write_dkim_key(tmp_path: Path, configured: Callable[..., None], *, bits: int = 2048) -> bytes:
    file, pem = tmp_path / "dkim.pem", dkim.generate_key(bits)[0]
    file.write_bytes(pem)
    file.chmod(0o600)
    configured(DKIM_DOMAIN=DOMAIN, DKIM_SELECTOR="mail", DKIM_KEY_FILE=file, MAIL_FROM=f"papers@{DOMAIN}")
    return pem


def test_a_reserved_domain_such_as_that_of_the_demo_has_no_error_about_its_key(
    ready: Terminal, tmp_path: Path, configured: Callable[..., None]
) -> None:
    write_dkim_key(tmp_path, configured)
    configured(DKIM_DOMAIN="digest.example", MAIL_FROM="papers@digest.example")

    assert [level for level, _ in findings(ready, "dkim")] == ["warning"]


@SQLITE
@pytest.mark.parametrize(
    ("records", "problems"),
    [
        ({"lab.uni.lab": ["v=spf1 mx"], "_dmarc.lab.uni.lab": ["v=DMARC1; p=none"]}, []),
        ({"lab.uni.lab": ["v=spf1 mx"], "_dmarc.uni.lab": ["v=DMARC1; p=none"]}, []),
        (
            {"lab.uni.lab": ["v=spf1 mx", "v=spf1 -all"], "_dmarc.uni.lab": ["v=DMARC1; p=none"]},
            ["a record for lab.uni.lab is published 2 times, and receivers accept none of them"],
        ),
        (
            {"lab.uni.lab": ["v=spf10 mx", "v=spf1"], "_dmarc.lab.uni.lab": ["v=DMARC1; p=none", "v=DMARC1"]},
            ["a policy for lab.uni.lab is published 2 times, and receivers accept none of them"],
        ),
        ({}, ["a record for lab.uni.lab is not published", "a policy for lab.uni.lab is not published"]),
    ],
)
def test_records_that_receivers_ignore_are_warnings_and_a_policy_above_holds(
    ready: Terminal,
    configured: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    database: str,
    records: dict[str, list[str]],
    problems: list[str],
) -> None:
    configured(MAIL_FROM="papers@lab.uni.lab")
    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: records.get(name, []))

    found = findings(ready, "spf") + findings(ready, "dmarc")

    assert [text for level, text in found if level != "ok"] == problems


@SQLITE
def test_the_domain_of_the_return_path_needs_spf_too(
    ready: Terminal, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    configured(MAIL_FROM="papers@uni.lab", BOUNCE_ADDRESS="bounces@returns.lab")
    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: ["v=spf1 mx"] if name == "uni.lab" else [])

    assert findings(ready, "spf") == [
        ("warning", "a record for returns.lab is not published"),
        ("ok", "a record for uni.lab is published"),
    ]


@SQLITE
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000", "https://localhost", "https://[::1]", "http://0.0.0.0:80"]
)
def test_an_address_of_this_machine_alone_is_a_warning_with_https_too(
    ready: Terminal, configured: Callable[..., None], database: str, address: str
) -> None:
    configured(BASE_URL=address)

    assert findings(ready, "address") == [("warning", f"{address} works only on this machine")]


def test_a_new_installation_where_nothing_runs_yet_says_so_and_fails_the_command(ready: Terminal) -> None:
    assert findings(ready, "processes") == [
        ("error", "nothing runs yet: no `digest up` with this DATA_DIR, and nothing was ingested")
    ]


def test_an_installation_where_nothing_runs_any_more_is_an_error_and_fails_the_command(
    ready: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "papers.jsonl").write_text('{"title": "A title of some words"}\n')
    with time_machine.travel(clock.now() - timedelta(hours=27)):
        ready.ok("ingest", "jsonl", "--file", str(tmp_path / "papers.jsonl"))

    ((level, text),) = findings(ready, "processes")

    assert level == "error"
    assert text.startswith("nothing runs")
    assert ready.run("doctor").exit_code == 1


def test_a_redis_without_scheduler_and_workers_is_an_error_for_each(
    ready: Terminal, redis_server: PrivateRedis
) -> None:
    assert findings(ready, "scheduler") == [("error", "no scheduler runs")]
    assert [level for level, _ in findings(ready, "queues")] == ["error"] * len(QUEUES)


def test_progress_of_scheduler_and_workers_is_ok(ready: Terminal, redis_server: PrivateRedis) -> None:
    make_progress(redis_server, os.getpid())

    assert [level for level, _ in findings(ready, "scheduler") + findings(ready, "queues")] == ["ok"] * (
        1 + len(QUEUES)
    )
    assert findings(ready, "processes") == []


@SQLITE
@pytest.mark.parametrize(
    ("reply", "cure"),
    [
        ("no session: 535 5.7.8 bad credentials", "correct user and password in DIGEST_SMTP_URL"),
        ("no session: SMTPException: SMTP STARTTLS extension not supported by server.", "?tls=starttls"),
        ("no session: SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number", "smtps:// is for port 465"),
        ("no session: certificate verify failed: certificate has expired", "renew it"),
        (
            "no session: SMTPException: The SMTP AUTH extension is not supported by this server. "
            "Try connecting via TLS (or STARTTLS).",
            "use 587 or 465",
        ),
        ("no session: 454 4.7.0 TLS not available due to temporary reason", "its log says why"),
        ("no session: 554 5.7.1 no service for you", "let it accept mail from here"),
        ("no session: SMTPConnectTimeoutError: Timed out waiting for server ready message", "firewalls"),
        ("no session: ConnectionRefusedError: Connection refused", "that the server runs"),
    ],
)
def test_a_mail_server_that_can_not_be_used_has_the_cure_for_its_reply(
    ready: Terminal, database: str, monkeypatch: pytest.MonkeyPatch, reply: str, cure: str
) -> None:
    def refuse(url: str) -> str:
        raise MailDeferred(reply)

    monkeypatch.setattr(probe, "probe_server", refuse)
    rows = json.loads(ready.run("doctor", "--json").stdout)

    [finding] = [row for row in rows if row["name"] == "mail server"]
    assert finding["level"] == "error"
    assert cure in finding["cure"]


def _encrypt(file: Path) -> None:
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    encryption = serialization.BestAvailableEncryption(b"passphrase")
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))


def _replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@SQLITE
@pytest.mark.parametrize(
    ("damage", "problem", "cure"),
    [
        (_encrypt, "holds no unencrypted private key", "remove its passphrase (openssl pkey -in OLD -out NEW)"),
        (Path.unlink, "can't be read (No such file or directory)", "make a key: digest dkim new"),
        (_replace_by_folder, "can't be read (Is a directory)", "name the PEM file of a private key, or make one"),
    ],
)
def test_a_dkim_key_that_can_not_be_used_has_the_cure_for_its_cause(
    ready: Terminal,
    tmp_path: Path,
    configured: Callable[..., None],
    database: str,
    damage: Callable[[Path], None],
    problem: str,
    cure: str,
) -> None:
    write_dkim_key(tmp_path, configured)
    damage(tmp_path / "dkim.pem")

    [row] = [row for row in json.loads(ready.run("doctor", "--json").stdout) if row["name"] == "dkim"]
    assert problem in row["text"]
    assert cure in row["cure"]
    assert cure in ready.refused("run", "--inline")[1]


@SQLITE
def test_a_dkim_key_of_another_user_is_to_be_given_to_that_of_the_service(
    ready: Terminal, tmp_path: Path, configured: Callable[..., None], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_bytes(file: Path) -> bytes:  # root, as whom tests may run, can read every file
        if file.name == "dkim.pem":
            raise PermissionError(errno.EACCES, "Permission denied")
        return original_read_bytes(file)

    write_dkim_key(tmp_path, configured)
    original_read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", read_bytes)

    [row] = [row for row in json.loads(ready.run("doctor", "--json").stdout) if row["name"] == "dkim"]
    assert "can't be read (Permission denied)" in row["text"]
    assert row["cure"] == "give it to the user of the service (chown)"


@pytest.fixture
def recorded_process(
    ready: Terminal, redis_server: PrivateRedis, tmp_path: Path, configured: Callable[..., None], database: str
) -> int:
    """A process that has read `.env`, a file with a secret and the DKIM key, and recorded it."""
    write_dkim_key(tmp_path, configured)
    (tmp_path / ".env").write_text("DIGEST_SERVICE_NAME=Papers\n")
    (tmp_path / "token").write_text("a token for metrics of 32 bytes.\n")
    configured(METRICS_TOKEN_FILE=tmp_path / "token")
    render_messages.MailComposer(settings.get())
    record_process(redis_server)
    return os.getpid()


def record_process(server: PrivateRedis) -> None:
    """Record this process as a running scheduler, as that does itself."""
    store = redis.connect(server.url)
    fingerprints = file_fingerprints.fingerprints_of_read_files(settings.get().secret_key)
    store.record_progress(redis.process_name(), redis.SCHEDULER)
    store.record_file_fingerprints(redis.process_name(), redis.SCHEDULER, fingerprints)


def change_byte(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content.replace(b"a", b"b", 1))


@SQLITE
@pytest.mark.parametrize("file_name", [".env", "token", "dkim.pem"])
def test_a_process_that_read_an_earlier_version_of_a_file_is_named_and_to_be_restarted(
    ready: Terminal, recorded_process: int, tmp_path: Path, file_name: str
) -> None:
    before = findings(ready, "processes")
    change_byte(tmp_path / file_name)

    [row] = [row for row in json.loads(ready.run("doctor", "--json").stdout) if row["name"] == "processes"]

    assert before == []
    text = f"process {recorded_process} (scheduler) runs with an earlier version of {tmp_path / file_name}"
    assert (row["level"], row["text"]) == ("warning", text)
    assert row["cure"].startswith("restart `digest scheduler` (or `digest up`)")


@SQLITE
@pytest.mark.parametrize("file_name", [".env", "dkim.pem"])
def test_a_file_with_another_mode_is_the_same_version(
    ready: Terminal, recorded_process: int, tmp_path: Path, file_name: str
) -> None:
    (tmp_path / file_name).chmod(0o400)

    assert findings(ready, "processes") == []


@SQLITE
def test_after_a_restart_a_process_has_the_present_version(
    ready: Terminal, redis_server: PrivateRedis, recorded_process: int, tmp_path: Path
) -> None:
    change_byte(tmp_path / ".env")
    before = findings(ready, "processes")
    settings.clear_cache()
    settings.get()
    record_process(redis_server)

    assert (len(before), findings(ready, "processes")) == (1, [])


@SQLITE
def test_a_dkim_key_that_is_replaced_before_a_process_signs_is_the_one_it_will_read(
    ready: Terminal, redis_server: PrivateRedis, tmp_path: Path, configured: Callable[..., None], database: str
) -> None:
    write_dkim_key(tmp_path, configured)
    settings.get()
    record_process(redis_server)
    write_dkim_key(tmp_path, configured)

    assert findings(ready, "processes") == []


@SQLITE
def test_of_a_process_that_was_killed_nothing_is_said(
    ready: Terminal, redis_server: PrivateRedis, recorded_process: int, tmp_path: Path
) -> None:
    store = redis.connect(redis_server.url)
    fingerprints = store.file_fingerprints(redis.process_name(), redis.SCHEDULER)
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    store.record_progress(redis.process_name(ended.pid), redis.SCHEDULER)
    store.record_file_fingerprints(redis.process_name(ended.pid), redis.SCHEDULER, fingerprints)
    store.remove_progress(redis.process_name(), redis.SCHEDULER)
    change_byte(tmp_path / ".env")

    assert findings(ready, "processes") == []


@SQLITE
@pytest.mark.parametrize("others_run", [True, False])
def test_an_idle_worker_process_is_named_while_others_make_progress(
    ready: Terminal, redis_server: PrivateRedis, recorded_process: int, tmp_path: Path, others_run: bool
) -> None:
    store, idle_process = redis.connect(redis_server.url), redis.process_name()
    fingerprints = store.file_fingerprints(idle_process, redis.SCHEDULER)
    store.remove_progress(idle_process, redis.SCHEDULER)
    store.task_ended(idle_process, QUEUES)
    store._client.zincrby("digest:progress:worker", -20_000, idle_process)
    store.record_file_fingerprints(idle_process, redis.WORKER, fingerprints)
    if others_run:
        store.task_ended(redis.process_name(os.getppid()), QUEUES)
    change_byte(tmp_path / "dkim.pem")

    named = [text.partition(" runs")[0] for _, text in findings(ready, "processes")]
    assert named == [f"process {recorded_process} (worker)"] * others_run


@SQLITE
def test_of_a_process_of_a_release_without_fingerprints_nothing_is_said(
    ready: Terminal, redis_server: PrivateRedis, tmp_path: Path, database: str
) -> None:
    make_progress(redis_server, os.getpid())
    (tmp_path / ".env").write_text("DIGEST_SERVICE_NAME=Papers\n")

    assert findings(ready, "processes") == []


@SQLITE
def test_a_process_stopped_by_a_signal_is_an_error(ready: Terminal, redis_server: PrivateRedis, database: str) -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        try:
            make_progress(redis_server, process.pid)
            process.send_signal(signal.SIGSTOP)
            expected = ("error", f"process {process.pid} is stopped (SIGSTOP) and does nothing")
            wait_for(lambda: findings(ready, "processes") == [expected])
        finally:
            process.kill()


@SQLITE
@pytest.mark.parametrize(
    ("setting", "value", "cure"),
    [("maxmemory", "1", "raise its maxmemory"), ("replicaof", "127.0.0.1 1", "name the primary in DIGEST_REDIS_URL")],
)
def test_a_redis_that_answers_but_stores_nothing_is_an_error(
    ready: Terminal, redis_server: PrivateRedis, database: str, setting: str, value: str, cure: str
) -> None:
    client = redis.connect(redis_server.url)._client
    if setting == "replicaof":
        client.execute_command("REPLICAOF", *value.split())
    else:
        client.config_set(setting, value)

    [row] = [row for row in json.loads(ready.run("doctor", "--json").stdout) if row["name"] == "redis"]
    assert row["level"] == "error"
    assert cure in row["text"]
    assert row["cure"] == ""  # nothing that contradicts the text


@SQLITE
def test_a_redis_that_does_not_answer_is_to_be_started(
    ready: Terminal, configured: Callable[..., None], database: str
) -> None:
    configured(REDIS_URL="redis://127.0.0.1:1/0")

    [row] = [row for row in json.loads(ready.run("doctor", "--json").stdout) if row["name"] == "redis"]
    assert (row["level"], row["cure"]) == ("error", "check DIGEST_REDIS_URL, and that Redis runs")


@SQLITE
def test_a_redis_that_may_evict_keys_is_a_warning(ready: Terminal, redis_server: PrivateRedis, database: str) -> None:
    client = redis.connect(redis_server.url)._client
    client.config_set("maxmemory", "100mb")
    client.config_set("maxmemory-policy", "allkeys-lru")

    ((level, text),) = findings(ready, "redis")
    assert level == "warning"
    assert "allkeys-lru" in text


@SQLITE
@pytest.mark.parametrize(
    ("published", "level", "words"),
    [("", "error", "no public key"), ("other", "error", "not the one that signs"), ("own", "ok", "belongs to the key")],
)
def test_the_published_dkim_key_is_compared_with_the_one_that_signs(
    ready: Terminal,
    configured: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database: str,
    published: str,
    level: str,
    words: str,
) -> None:
    own = dkim.dns_record(write_dkim_key(tmp_path, configured))
    records = {"": [], "other": [dkim.generate_key()[1]], "own": [own.replace("p=", "p= ")]}[published]
    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: records if "_domainkey" in name else [])

    ((found_level, text_found),) = findings(ready, "dkim")
    assert found_level == level
    assert words in text_found


@SQLITE
def test_a_short_dkim_key_that_others_can_read_has_two_warnings(
    ready: Terminal, configured: Callable[..., None], tmp_path: Path, database: str
) -> None:
    write_dkim_key(tmp_path, configured, bits=1024)
    (tmp_path / "dkim.pem").chmod(0o644)

    warnings = [text for level, text in findings(ready, "dkim") if level == "warning"]
    assert "readable by others (mode 0644)" in warnings[0]
    assert warnings[1] == "the key has only 1024 bits"


@SQLITE
def test_a_second_dkim_key_that_is_missing_is_only_a_warning(
    ready: Terminal, configured: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    record = dkim.dns_record(write_dkim_key(tmp_path, configured))
    monkeypatch.setattr(sender_domain_records, "txt_records", lambda name: [record] if "_domainkey" in name else [])
    configured(DKIM_SECOND_SELECTOR="s2", DKIM_SECOND_KEY_FILE=tmp_path / "none.pem")

    assert [level for level, _ in findings(ready, "dkim")] == ["ok", "warning"]


def test_a_folder_that_is_no_installation_is_reported_and_stays_empty(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        monkeypatch.delenv(name)

    (row,) = json.loads(terminal.run("doctor", "--json").stdout)
    assert (row["level"], row["name"]) == ("error", "settings")
    assert row["text"].startswith("nothing is configured here")
    assert list(tmp_path.iterdir()) == []
    assert terminal.run("doctor").exit_code == 1


def test_an_installation_without_a_database_is_reported_and_none_is_created(
    terminal: Terminal, configured: Callable[..., None], tmp_path: Path
) -> None:
    configured(DATA_DIR=tmp_path / "data")

    assert findings(terminal, "database") == [("error", "there is none yet")]
    assert findings(terminal, "data folder")[0][0] == "warning"
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_cannot_be_written_to_is_an_error(
    ready: Terminal, configured: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    configured(DATA_DIR=tmp_path / "file" / "data")

    ((level, text),) = findings(ready, "data folder")
    assert level == "error"
    assert "can't be written to" in text


@pytest.fixture
def newer_schema(ready: Terminal) -> Iterator[None]:
    """A database of a newer release. Its version is put back, as PostgreSQL's databases serve several tests."""
    set_version = text("UPDATE alembic_version SET version_num = :version")
    with transaction() as session:
        session.execute(set_version, {"version": "9999"})
    yield
    with transaction() as session:
        session.execute(set_version, {"version": schema_migration.newest_revision()})


@pytest.mark.parametrize("command", ["doctor", "migrate", "run --inline"])
def test_a_schema_of_a_newer_release_is_one_line_and_not_a_traceback(
    ready: Terminal, newer_schema: None, command: str
) -> None:
    result = ready.run(*command.split())
    output = " ".join((result.stdout + result.stderr).split())
    assert result.exit_code in {1, 2}
    assert "9999 is of a newer release" in output


@SQLITE
def test_without_a_bounce_address_there_is_a_warning(
    ready: Terminal, configured: Callable[..., None], database: str
) -> None:
    configured(BOUNCE_ADDRESS="")
    assert findings(ready, "bounces")[0][0] == "warning"

    configured(BOUNCE_ADDRESS=f"bounces@{DOMAIN}")
    assert findings(ready, "bounces") == []


def record_schedulers(server: PrivateRedis, *processes: str) -> redis.RedisStore:
    store = redis.connect(server.url)
    for process in processes:
        store.record_progress(process, redis.SCHEDULER)
    return store


def described_schedulers(terminal: Terminal) -> tuple[str, str]:
    """The level, and what follows the age of the progress."""
    [(level, description)] = findings(terminal, "scheduler")
    return level, description.partition("; ")[2]


def test_of_two_schedulers_it_says_which_one_leads(redis_server: PrivateRedis, ready: Terminal) -> None:
    store = record_schedulers(redis_server, "north:7", "south:7")
    store.acquire_lead(redis.SCHEDULER, "north:7 1f", 30)

    assert described_schedulers(ready) == ("ok", "north:7, south:7 run, north:7 leads")


@SQLITE
def test_of_two_schedulers_that_have_just_started_none_leads_yet(
    redis_server: PrivateRedis, ready: Terminal, database: str
) -> None:
    record_schedulers(redis_server, "north:7", "south:7")

    assert described_schedulers(ready) == ("ok", "north:7, south:7 run, none yet leads")


@SQLITE
def test_a_scheduler_that_ended_in_order_is_not_named(
    redis_server: PrivateRedis, ready: Terminal, database: str
) -> None:
    store = record_schedulers(redis_server, "north:7", "south:7")
    store.remove_progress("north:7", redis.SCHEDULER)

    assert described_schedulers(ready) == ("ok", "")


@SQLITE
def test_a_scheduler_that_has_been_silent_does_not_count_as_running(
    redis_server: PrivateRedis, ready: Terminal, database: str
) -> None:
    store = record_schedulers(redis_server, "north:7", "south:7")
    store._client.zincrby("digest:progress:scheduler", -21, "north:7")

    assert described_schedulers(ready) == ("ok", "")
