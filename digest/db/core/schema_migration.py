"""The schema's version: migrates the database to the newest, and checks whether it is there.

Alembic is imported only where migrations run: a process that only reads the version starts a second sooner.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DataError, IntegrityError

from digest import settings
from digest.db.core import installation
from digest.db.core.database_failures import (
    FAILURES,
    UNUSABLE_FILE,
    UNUSABLE_FILE_CURE,
    DatabaseFailure,
    problem_and_cure,
)
from digest.db.core.engine import engine, make_file_as_root, missing_file
from digest.errors import DigestError, Misconfigured, Transient

if TYPE_CHECKING:
    from alembic.config import Config

_REVISION = re.compile(r'^(revision|down_revision) *= *"(\w+)"', re.MULTILINE)
_VERSION_TABLE = "alembic_version"
_READ_VERSION = text(f"SELECT version_num FROM {_VERSION_TABLE}")  # noqa: S608 - a constant
_FIRST_TABLES = ("delivery", "edition", "subscriber")  # some of those that the first migration creates
_LOCK = 7_230_117  # arbitrary; the same for all processes that migrate


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("digest.db") / "migrations"))
    return config


def upgrade(target: str = "head", *, database: Engine | None = None) -> str:
    """Run the missing migrations up to a version, one process at a time. Returns the version reached.

    The newest version has an installation id; it is created where there is none. Default: the configured database.
    """
    from alembic import command

    database = database or engine()
    make_file_as_root(database)
    version = current_revision(database)
    if version is not None and not is_known_revision(version):
        raise Misconfigured(_newer_release_message(version))
    if version is None:
        _require_usable_database(database)
    config = _config()
    with database.connect() as connection, _foreign_keys_off(connection), connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, target)
        if target == "head":
            installation.ensure_installation(connection)
    return newest_revision() if target == "head" else target


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Disable SQLite's foreign keys: Alembic recreates tables there, and dropping the old one would cascade."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection  # the pragma has no effect within a transaction
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def stamp(connection: Connection) -> None:
    """Record that the tables are the newest, where they were created without migrations (tests)."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.stamp(config, "head")
    installation.ensure_installation(connection)


def is_known_revision(version: str) -> bool:
    """True for a version that this release can migrate; False for one of a newer release."""
    return any(kind == "revision" and name == version for kind, name in _revisions())


def _newer_release_message(version: str) -> str:
    newest = newest_revision()
    return f"the database's schema {version} is of a newer release (this one has {newest}); install that release"


def _revisions() -> list[tuple[str, str]]:
    steps = [file for file in (files("digest.db") / "migrations" / "versions").iterdir() if file.name.endswith(".py")]
    return [declaration for file in steps for declaration in _REVISION.findall(file.read_text(encoding="utf-8"))]


def newest_revision() -> str:
    """The version that this code needs: the one migration that no other one follows, read from the migration files."""
    declarations = _revisions()
    revisions, predecessors = (
        {name for kind, name in declarations if kind == keyword} for keyword in ("revision", "down_revision")
    )
    head: str
    (head,) = revisions - predecessors
    return str(head)


def is_missing_file() -> bool:
    """True where the configured database is an SQLite file that is not there; connecting would create it."""
    return missing_file(settings.get().database) is not None


def current_revision(database: Engine | None = None) -> str | None:
    """The database's version, None where it was never migrated or does not exist. Default: the configured database."""
    if database is None and is_missing_file():
        return None
    with (database or engine()).execution_options(reading=True).connect() as connection:
        if not _are_ours(set(inspect(connection).get_table_names())):
            return None
        version: str | None = connection.execute(_READ_VERSION).scalar()
        return version


def foreign_tables(database: Engine | None = None) -> list[str]:
    """Tables of another program where our own are missing, in whose database we must not create any.

    On PostgreSQL only those with our names: extensions may have made others.
    """
    from sqlmodel import SQLModel

    if database is None and is_missing_file():
        return []
    with (database or engine()).execution_options(reading=True).connect() as connection:
        names = set(inspect(connection).get_table_names())
        if _are_ours(names):
            return []
        if _VERSION_TABLE in names and connection.execute(_READ_VERSION).scalar() is None:
            names.remove(_VERSION_TABLE)  # empty, so nothing was migrated yet
    if connection.dialect.name != "sqlite":
        names &= SQLModel.metadata.tables.keys() | {_VERSION_TABLE}
    return sorted(names)


def _are_ours(tables: AbstractSet[str]) -> bool:
    """True for a database that this service migrated; other programs that use Alembic have a version table, too."""
    return {_VERSION_TABLE, *_FIRST_TABLES} <= tables


def foreign_database_message(tables: Sequence[str]) -> str:
    """What is wrong with a database that has these tables, and the cure."""
    listed = ", ".join(tables[:3]) + (" …" if tables[3:] else "")
    return (
        f"the database holds tables of another program ({listed}); "
        "give the service a database of its own: DIGEST_DATABASE_URL, or DIGEST_DATA_DIR"
    )


def encoding_problem(database: Engine | None = None) -> str:
    """What is wrong with the encoding of a PostgreSQL database, with the cure; '' for UTF-8, and for SQLite."""
    if database is None and is_missing_file():
        return ""
    with (database or engine()).execution_options(reading=True).connect() as connection:
        if connection.dialect.name != "postgresql":
            return ""
        encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding == "UTF8":
        return ""
    return (
        f"the database's encoding is {encoding}, which can't hold all titles and names; "
        "create another one: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
    )


def _require_usable_database(database: Engine) -> None:
    """Before the first migration. Raises Misconfigured for the database of another program, or a wrong encoding."""
    if tables := foreign_tables(database):
        raise Misconfigured(foreign_database_message(tables))
    if problem := encoding_problem(database):
        raise Misconfigured(problem)


def require_newest() -> None:
    """Raises Misconfigured where the database has another schema; does nothing where it does not answer."""
    try:
        revision = current_revision()
        tables = foreign_tables() if revision is None else []
    except FAILURES:
        return
    if revision is not None and not is_known_revision(revision):
        raise Misconfigured(_newer_release_message(revision))
    if tables:
        raise Misconfigured(foreign_database_message(tables))
    if revision != newest_revision():
        raise Misconfigured(
            f"the database's schema is {revision or 'empty'}, not {newest_revision()}; run: digest migrate"
        )


def require_usable_file() -> None:
    """Raises Misconfigured where this user may not write SQLite's file, which no later attempt cures."""
    try:
        current_revision()
    except FAILURES as error:
        problem, cure = problem_and_cure(error)
        if problem.startswith(UNUSABLE_FILE):
            raise Misconfigured(f"{problem}; {cure}") from error
    name = engine().url.database if engine().dialect.name == "sqlite" else None
    files_in_use = [Path(f"{name}{suffix}") for suffix in ("", "-wal", "-shm")] if name else []
    for file in files_in_use:
        if file.exists() and not os.access(file, os.W_OK):
            raise Misconfigured(f"{UNUSABLE_FILE} ({file}: no right to write); {UNUSABLE_FILE_CURE}")


def explain_failure(error: DatabaseFailure) -> DigestError:
    """A failure of the database in one line, with a remedy. Raises `error` where it is an error of the program."""
    if isinstance(error, IntegrityError | DataError):
        raise error
    if not is_missing_file():  # else it can't be created, and `digest migrate` could not do so either
        try:
            require_newest()
        except Misconfigured as other_schema:
            return other_schema
    problem, cure = problem_and_cure(error)
    return Transient(f"{problem}; {cure}")
