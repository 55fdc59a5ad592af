"""The schema's version: bring the database to the newest, say whether it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from digest.db.engine import engine
from digest.errors import DigestError, Misconfigured, Transient

DatabaseFailure = InterfaceError | OperationalError | ProgrammingError
FAILURES = (InterfaceError, OperationalError, ProgrammingError)  # what `explained` puts into words
_LOCK = 7_230_117  # any number; the same for all who migrate


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("digest.db") / "migrations"))
    return config


def upgrade(to: str = "head") -> str:
    """Run the missing steps up to a version, one process at a time; returns the version reached."""
    config = _config()
    with engine().connect() as connection, _tables_may_be_made_anew(connection), connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    return newest() if to == "head" else to


@contextmanager
def _tables_may_be_made_anew(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew, and dropping the old one would take along all that names its rows."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection  # within a transaction it would not listen
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def stamp(connection: Connection) -> None:
    """Say that the tables are the newest, where they were made otherwise (tests)."""
    config = _config()
    config.attributes["connection"] = connection
    command.stamp(config, "head")


def newest() -> str:
    """The version this code wants."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current() -> str | None:
    """The database's version; None where it was never migrated."""
    with engine().execution_options(reading=True).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def must_be_newest() -> None:
    """Raises Misconfigured where the database answers and has another schema; one that is away may come back."""
    try:
        found = current()
    except FAILURES:
        return
    if found != newest():
        raise Misconfigured(f"the database's schema is {found or 'empty'}, not {newest()}; run: digest migrate")


def explained(error: DatabaseFailure) -> DigestError:
    """A failure of the database in one line, with its cure where it has one."""
    try:
        must_be_newest()
    except Misconfigured as missing:
        return missing
    reason = str(error.orig).strip().partition("\n")[0][:160]
    return Transient(f"the database does not answer: {reason}; check DIGEST_DATABASE_URL")


def revise(message: str) -> None:
    """Write a new step from the difference between models and database (for developers)."""
    config = _config()
    with engine().begin() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message, autogenerate=True)
