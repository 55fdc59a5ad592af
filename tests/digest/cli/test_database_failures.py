"""Databases that can't be used: each command says in one line what is wrong and what to do, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from digest import settings
from digest.db.core import engine, schema_migration
from digest.errors import Misconfigured
from tests.digest.cli.conftest import Terminal
from tests.servers import Postgres
from tests.small_disk import SmallDisk

COMMANDS = [("admin", "stats"), ("migrate", "--no-compile"), ("run", "--inline")]
PAGE_BYTES = 4096


@pytest.fixture
def database_file(terminal: Terminal, configured: Callable[..., None], tmp_path: Path) -> Iterator[Path]:
    """The file of an SQLite database of the newest schema; connections are closed."""
    configured(
        DATA_DIR=tmp_path, SECRET_KEY="a key for tests of at least 32 bytes", MAIL_FROM="papers@digest.lab",
        SMTP_URL="smtp://127.0.0.1:1",
    )  # fmt: skip
    terminal.ok("migrate", "--no-compile")
    engine.engine().dispose()  # the last connection writes all to the file itself
    engine.dispose_engines()
    yield tmp_path / "digest.db"
    engine.dispose_engines()


def damage(file: Path, pages: range) -> None:
    """Overwrite these pages."""
    for name in ("-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    with file.open("r+b") as stream:
        for page in pages:
            stream.seek(page * PAGE_BYTES)
            stream.write(b"\xff" * PAGE_BYTES)


def database_findings(terminal: Terminal) -> list[tuple[str, str, str]]:
    rows = json.loads(terminal.run("doctor", "--json").stdout)
    return [(row["level"], row["text"], row["cure"]) for row in rows if row["name"] == "database"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("pages", [range(1), range(3, 60)], ids=["header", "tables"])
def test_a_damaged_file_is_one_line_with_its_cure(
    terminal: Terminal, database_file: Path, command: tuple[str, ...], pages: range
) -> None:
    damage(database_file, pages)

    code, error = terminal.refused(*command)
    assert code == 1
    assert "the database is damaged" in error
    assert "digest restore" in error


@pytest.mark.parametrize("pages", [range(1), range(3, 60)], ids=["header", "tables"])
def test_the_doctor_reports_a_damaged_file(terminal: Terminal, database_file: Path, pages: range) -> None:
    damage(database_file, pages)

    level, problem, cure = next(row for row in database_findings(terminal) if row[0] != "ok")
    assert level == "error"
    assert problem.startswith("the database is damaged")
    assert "digest restore" in cure


@pytest.fixture
def full_disk(terminal: Terminal, configured: Callable[..., None], tmp_path: Path) -> Iterator[None]:
    """The database of `database_file` on a disk that is full."""
    with SmallDisk(tmp_path / "small", 8) as disk:
        configured(
            DATA_DIR=disk.folder, SECRET_KEY="a key for tests of at least 32 bytes", MAIL_FROM="papers@digest.lab",
            SMTP_URL="smtp://127.0.0.1:1",
        )  # fmt: skip
        terminal.ok("migrate", "--no-compile")
        engine.engine().dispose()
        engine.dispose_engines()
        disk.fill()
        yield
        engine.engine().dispose()
        engine.dispose_engines()


@pytest.mark.parametrize("command", [*COMMANDS, ("backup", "--to", ".")], ids=lambda command: command[0])
@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_named_whatever_the_database_reports(terminal: Terminal, command: tuple[str, ...]) -> None:
    code, error = terminal.refused(*command)

    assert code == 1
    assert "the disk of the database is full" in error
    assert "free space there" in error


@pytest.mark.usefixtures("full_disk")
def test_the_doctor_reports_a_full_disk(terminal: Terminal) -> None:
    level, problem, cure = next(row for row in database_findings(terminal) if row[0] != "ok")

    assert level == "error"
    assert problem.startswith("the disk of the database is full")
    assert "free space" in cure


@pytest.mark.parametrize("command", [("migrate", "--no-compile"), ("admin", "stats")], ids=["migrate", "stats"])
def test_a_database_of_another_program_is_left_alone(
    terminal: Terminal, database_file: Path, command: tuple[str, ...]
) -> None:
    database_file.unlink()
    with closing(sqlite3.connect(database_file)) as connection:
        connection.execute("CREATE TABLE moz_places (id INTEGER)")
    _code, error = terminal.refused(*command)

    assert "tables of another program (moz_places)" in error
    assert "migrate" not in error
    with closing(sqlite3.connect(database_file)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("moz_places",)]
    assert database_findings(terminal)[0][0] == "error"


@pytest.mark.parametrize("command", [("migrate", "--no-compile"), ("admin", "stats")], ids=["migrate", "stats"])
def test_a_program_with_alembic_is_not_taken_for_a_newer_release(
    terminal: Terminal, database_file: Path, command: tuple[str, ...]
) -> None:
    database_file.unlink()
    with closing(sqlite3.connect(database_file)) as connection, connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('3f2a9c')")
    _code, error = terminal.refused(*command)

    assert "tables of another program (alembic_version, customers)" in error


def test_a_file_that_can_not_be_created_is_not_cured_by_a_migration(
    terminal: Terminal, configured: Callable[..., None]
) -> None:
    configured(DATABASE_URL="sqlite:////proc/papers.db")  # nobody can create a file there, root neither

    _code, error = terminal.refused("migrate", "--no-compile")

    assert "this user may not use the database's file" in error
    assert "digest migrate" not in error


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_database_that_is_read_only_names_the_primary_as_the_cure(
    ready: Terminal, database: str, configured: Callable[..., None]
) -> None:
    url = make_url(settings.get().database).update_query_dict({"options": "-c default_transaction_read_only=on"})
    configured(DATABASE_URL=url.render_as_string(hide_password=False))

    _code, error = ready.refused("admin", "suppress", "ada@one.example")
    assert "read-only standby" in error
    assert "target_session_attrs=read-write" in error


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_user_without_rights_is_told_to_own_the_database(
    ready: Terminal, database: str, configured: Callable[..., None]
) -> None:
    with engine.transaction() as session:
        session.execute(text("DROP ROLE IF EXISTS bystander"))
        session.execute(text("CREATE ROLE bystander LOGIN SUPERUSER"))
        session.execute(text("ALTER ROLE bystander NOSUPERUSER"))
    url = make_url(settings.get().database).set(username="bystander")
    configured(DATABASE_URL=url.render_as_string(hide_password=False))

    _code, error = ready.refused("admin", "suppress", "ada@one.example")
    assert "make it the owner" in error


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_database_of_another_encoding_is_refused_before_tables_are_made(
    ready: Terminal, database: str, configured: Callable[..., None]
) -> None:
    with engine.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS ascii_only"))
        connection.execute(text("CREATE DATABASE ascii_only ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"))
    url = make_url(settings.get().database).set(database="ascii_only")
    configured(DATABASE_URL=url.render_as_string(hide_password=False))

    code, error = ready.refused("migrate", "--no-compile")
    assert code == 2
    assert "encoding is SQL_ASCII" in error
    assert "ENCODING 'UTF8'" in error
    assert database_findings(ready)[0][0] == "error"


def test_a_move_changes_nothing_in_a_database_that_is_not_empty(
    terminal: Terminal, database_file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "other.db"
    shutil.copy(database_file, target)
    with closing(sqlite3.connect(target)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0023'")
        connection.execute("DROP TABLE paper")
        connection.execute("CREATE TABLE paper (id INTEGER)")
        connection.execute("INSERT INTO paper VALUES (1)")

    _code, error = terminal.refused("move", "--to", f"sqlite:///{target}")
    assert "not empty" in error
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0023",)


def test_an_empty_version_table_is_of_no_other_program(terminal: Terminal, database_file: Path) -> None:
    database_file.unlink()
    with closing(sqlite3.connect(database_file)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")

    terminal.ok("migrate", "--no-compile")

    with closing(sqlite3.connect(database_file)) as connection:
        [(version,)] = connection.execute("SELECT version_num FROM alembic_version")
    assert version == schema_migration.newest_revision()


def test_a_file_that_this_user_may_not_write_is_named_with_its_cure(
    database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda file, _mode: file != database_file)  # tests may run as root, who may all

    with pytest.raises(Misconfigured, match=f"{database_file}: no right to write.; run the command as the user"):
        schema_migration.require_usable_file()


@pytest.mark.parametrize(
    ("user", "name", "problem", "cure"),
    [
        ("digest", "nothing", "the server has no such database", "digest migrate"),
        ("nobody", "postgres", "the database server refuses the login", "CREATE ROLE"),
    ],
)
def test_a_server_that_answers_and_refuses_is_not_called_silent(
    terminal: Terminal,
    configured: Callable[..., None],
    postgres: Postgres,
    user: str,
    name: str,
    problem: str,
    cure: str,
) -> None:
    configured(
        SECRET_KEY="a key for tests of at least 32 bytes",
        DATABASE_URL=f"postgresql://{user}@/{name}?host={postgres.folder}",
    )

    ((level, text, advice),) = database_findings(terminal)
    assert level == "error"
    assert text.startswith(problem)
    assert cure in advice


def test_a_server_that_accepts_connections_and_says_nothing_is_reported_within_seconds(
    terminal: Terminal, configured: Callable[..., None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configured(
            SECRET_KEY="a key for tests of at least 32 bytes",
            DATABASE_URL=f"postgresql://digest@127.0.0.1:{silent.getsockname()[1]}/papers",
        )
        begin = time.monotonic()

        ((level, text, _),) = database_findings(terminal)

    assert (level, text) == ("error", "the database does not answer: connection timeout expired")
    assert time.monotonic() - begin < 30


def test_the_doctor_reports_an_address_that_is_none_as_json(
    terminal: Terminal, configured: Callable[..., None]
) -> None:
    configured(SECRET_KEY="a key for tests of at least 32 bytes", DATABASE_URL="postgresql://db.example:port/papers")

    result = terminal.run("doctor", "--json")

    assert result.exit_code == 1
    assert any("DIGEST_DATABASE_URL" in row["text"] for row in json.loads(result.stdout))
