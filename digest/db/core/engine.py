"""The database: one engine a process; a transaction commits once, at the edge. SQLite and PostgreSQL alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlmodel import Session, create_engine

from digest import settings
from digest.errors import Misconfigured

BUSY_SECONDS = 30
IDLE_SECONDS = 0.1  # a connection that was not used for so long may have been cut: no server restarts faster


def engine() -> Engine:
    """The engine for the configured database."""
    return _engine(settings.get().database)


@lru_cache(maxsize=4)
def _engine(address: str) -> Engine:
    try:
        url = make_url(address)
        if url.get_backend_name() != "sqlite":
            return _checked(create_engine(url, pool_size=5, max_overflow=15, hide_parameters=True))
    except (ArgumentError, ImportError) as error:  # a password may stand in it: the address is not shown
        raise Misconfigured("DIGEST_DATABASE_URL: expected postgresql://… or sqlite:///…") from error
    if url.database:
        _make_folder(Path(url.database).parent)
    made = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True)
    event.listen(made, "connect", _prepare_sqlite)
    event.listen(made, "begin", _begin_sqlite)
    return made


def _checked(made: Engine) -> Engine:
    """Connections that rested are asked whether they still live, before work begins on them.

    One used a moment ago is taken as it is: a sender asks thousands of times, and begins again where it is cut.
    """

    @event.listens_for(made, "checkin")
    def _rests(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(made, "checkout")
    def _wakes(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("rests_since", float("inf")) > IDLE_SECONDS:
            try:
                made.dialect.do_ping(connection)
            except made.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError("the server left") from error

    return made


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or "it can't be made"
        raise Misconfigured(f"the database's folder {folder}: {reason}; set DIGEST_DATA_DIR") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """WAL so that readers don't wait; FULL so that a commit survives a power cut; transactions begun by us."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Writers take the lock at once: a later upgrade would fail without waiting."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def transaction() -> Iterator[Session]:
    """Commit once at the end, roll back on any error."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A consistent look that changes nothing and blocks nobody."""
    with Session(engine().execution_options(reading=True), expire_on_commit=False) as session:
        yield session  # closing rolls back, and what was read stays readable; a rollback here would expire it


@contextmanager
def reading_connection() -> Iterator[Connection]:
    """Like `reading` without a session, for a single small query that is asked for with every page."""
    with engine().execution_options(reading=True).connect() as connection:
        yield connection


def dispose_engines() -> None:
    """Close all connections and make a new engine at the next use (tests, after a fork)."""
    _engine.cache_clear()
