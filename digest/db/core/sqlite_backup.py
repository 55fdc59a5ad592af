"""A consistent copy of an SQLite database while it is in use, and the check that such a copy can be opened."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from digest.db.core.database_failures import translated_driver_errors
from digest.db.core.engine import engine, existing_engine
from digest.errors import BadInput

_PAGES_PER_STEP = 4096  # 16 MB; writers may work between two steps


def database_file() -> Path | None:
    """The file of the configured SQLite database; None for PostgreSQL."""
    url = engine().url
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def write_ahead_log(file: Path) -> Path:
    """The file beside a database that holds its last changes; it exists while the database is open."""
    return file.with_name(f"{file.name}-wal")


def copy_database(target: Path) -> None:
    """Copy the database to a new file by SQLite's online backup, within one read transaction.

    Raises OSError where the disk of the new file is full.
    """
    with (
        existing_engine().execution_options(reading=True).connect() as connection,
        closing(sqlite3.connect(target)) as copy,
        translated_driver_errors(connection, "backup"),
    ):
        connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")  # one snapshot: nobody's commit restarts it
        try:
            _driver_connection(connection).backup(copy, pages=_PAGES_PER_STEP)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a write-ahead log beside it
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target) from error
            raise


def check_database(file: Path) -> dict[str, int]:
    """Rows by table of a database file. Raises BadInput where it is damaged."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise BadInput(f"the database is damaged: {str(verdict)[:160]}")
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                " AND sql NOT LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name"  # an index without content can't be counted
            ).fetchall()
            return {
                name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - its own names
                for (name,) in names
            }
    except sqlite3.DatabaseError as error:
        raise BadInput(f"the database is damaged: {error}") from error


def _driver_connection(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
