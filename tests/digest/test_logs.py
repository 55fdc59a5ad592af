"""Logs hold no address, no token and no password, whichever library wrote the line."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import structlog
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from digest import clock, logs
from digest.db.core.engine import transaction
from digest.models import Subscriber
from digest.services.security import api_tokens
from digest.signing import CONFIRM, Signer
from tests.steps import costs_at_most

ADA = "ada.lovelace@digest.example"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What was written to standard error, with logs set up as in a process."""
    handlers = logging.root.handlers[:]
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    logs.configure(level="INFO")
    # pytest puts its own stderr back between set-up and call
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=stderr))
    yield stderr.getvalue
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers


@pytest.mark.parametrize(
    ("line", "redacted"),
    [
        (f"no mailbox {ADA} here", "no mailbox <address> here"),
        (f"<{ADA}>, 'Bob+x@one.example'", "<<address>>, <address>'"),
        ("GET /?address=ada%40digest.example HTTP", "GET <address> HTTP"),
        ("postgresql://digest:secret@db:5432/digest", "postgresql://<credentials>@db:5432/digest"),
        ("smtp://user%40x:p%40ss@host:587", "smtp://<credentials>@host:587"),
        ("no smtp://ada@uni.example:secret1@host:587", "no smtp://<credentials>@host:587"),
        ("no smtp://ada@uni.example:ab cd ef@host:587", "no smtp://<credentials>@host:587"),
        ("no smtp://ada:ab/cd?ef#gh@host:587", "no smtp://<credentials>@host:587"),
        ("GET https://one.example:443/ failed", "GET https://one.example:443/ failed"),
        ("DETAIL:  Key (address)=(x) already exists.\nmore", "DETAIL: <values>\nmore"),
        (
            "run 7 of 3,000 mails at 12:30 in digest.services.runs.daily_run",
            "run 7 of 3,000 mails at 12:30 in digest.services.runs.daily_run",
        ),
    ],
)
def test_a_line_is_redacted(line: str, redacted: str) -> None:
    assert logs.redact(line) == redacted


@given(number=st.integers(0, 2**31), key=st.text("abcdefgh", min_size=32, max_size=40))
def test_no_signed_token_stays_in_a_line(number: int, key: str) -> None:
    signer = Signer((key,))
    for token in (signer.sign(CONFIRM, number, 7), signer.sign_timed(CONFIRM, number)):
        assert token not in logs.redact(f"GET /confirm/{token} failed")
        assert token[-20:] not in logs.redact(f'{{"path": "/confirm/{token}"}}')


@pytest.mark.parametrize("hostile", ["a", "a@", "a.", "://", "%40", "a-_.", "digest_"])
def test_redacting_a_line_four_times_as_long_costs_about_four_times_as_much(hostile: str) -> None:
    line = hostile * (10_000 // len(hostile))

    assert costs_at_most(8, lambda: logs.redact(4 * line), lambda: logs.redact(line))  # quadratic: 16


def fail(session: Session) -> None:
    session.add_all(Subscriber(address=ADA, address_key=ADA, created_at=clock.now(), time_zone="UTC") for _ in range(2))
    session.flush()


def test_a_row_that_the_database_refuses_is_not_in_the_log(database: str, written: Callable[[], str]) -> None:
    try:
        with transaction() as session:
            fail(session)
    except SQLAlchemyError as error:
        structlog.get_logger("web").error("request failed", exc_info=error)
        logging.getLogger("celery.app.trace").exception("task failed")
    log_text = written()

    assert log_text.count("IntegrityError") >= 2
    assert "lovelace" not in log_text


def test_a_parameter_of_a_query_is_not_in_its_error(database: str) -> None:
    with pytest.raises(SQLAlchemyError) as failed, transaction() as session:
        session.execute(text("SELECT nothing FROM nowhere WHERE address = :address"), {"address": ADA})

    assert "lovelace" not in str(failed.value)


def test_an_events_values_and_a_librarys_line_are_redacted(database: str, written: Callable[[], str]) -> None:
    token = api_tokens.create_token("monitor", ["admin"], expires_at=None)
    structlog.get_logger("x").info("refused", reason=f"for {ADA}", more=[token, {"to": ADA}], count=3)
    logging.getLogger("kombu").warning("message %s for %s", token, ADA)
    log_text = written()

    assert '"count": 3' in log_text
    assert "lovelace" not in log_text
    assert token not in log_text


def test_a_librarys_line_and_traceback_are_one_line_of_json_each(written: Callable[[], str]) -> None:
    logging.getLogger("kombu").warning("no answer\nfor %s", ADA)
    try:
        int(f"of {ADA}")
    except ValueError:
        logging.getLogger("celery.app.trace").exception("task failed")

    first, second = (json.loads(line) for line in written().splitlines())

    assert (first["event"], first["logger"], first["level"]) == ("no answer\nfor <address>", "kombu", "warning")
    assert second["exception"].endswith("'of <address>'")
    assert datetime.fromisoformat(second["timestamp"]).tzinfo is not None


def test_a_line_of_the_env_file_that_cannot_be_read_is_logged_once(written: Callable[[], str], tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DIGEST_MAIL_FROM='unclosed\n")

    for _ in range(3):
        dotenv_values(file)

    assert written().count("could not parse") == 1


@pytest.mark.parametrize("logger", ["logs.get('ours')", "logging.getLogger('celery')"])
@pytest.mark.parametrize("json_lines", [True, False])
def test_a_traceback_leaves_no_source_files_in_memory(logger: str, json_lines: bool) -> None:
    script = f"""
import configparser, linecache, logging
from digest import logs
logs.configure(json={json_lines})
try:
    configparser.ConfigParser()["missing"]
except KeyError:
    {logger}.exception("failed")
print(sorted(linecache.cache))
"""
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "raise KeyError(key)" in process.stderr
    assert process.stdout == "[]\n"
