"""The database engine, one for each process, and transactions that commit once at their end (SQLite, PostgreSQL)."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlmodel import Session, create_engine

from digest import settings
from digest.db.core import address_parameters
from digest.errors import Misconfigured
from digest.replace_file import make_private_file, make_private_folder

BUSY_SECONDS = 30
MISSING_FILE = "the database file no longer exists"
REPLACED_FILE = "the database file was replaced while it was in use"
# A peer that does not answer for a minute is gone. Without it the system would wait for hours, and PostgreSQL would
# keep the locks of a machine that was cut off. Not shorter, because a client that is suspended, or reads nothing of a
# large result meanwhile, loses its connection, too; not longer, because a lease is two minutes.
PEER_IDLE_SECONDS, PEER_PROBE_SECONDS, PEER_PROBES = 20, 10, 4
PEER_TIMEOUT_MS = 1000 * (PEER_IDLE_SECONDS + PEER_PROBE_SECONDS * PEER_PROBES)  # of data without an acknowledgement
CONNECT_SECONDS = 10  # for each server that the address names; without it one that accepts and says nothing blocks
_CLIENT_TIMEOUTS: dict[str, int | str] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": PEER_IDLE_SECONDS,
    "keepalives_interval": PEER_PROBE_SECONDS,
    "keepalives_count": PEER_PROBES,
    "tcp_user_timeout": PEER_TIMEOUT_MS,
}
_SERVER_KEEPALIVES = (
    f"SELECT set_config('tcp_keepalives_idle', '{PEER_IDLE_SECONDS}', false),"
    f" set_config('tcp_keepalives_interval', '{PEER_PROBE_SECONDS}', false),"
    f" set_config('tcp_keepalives_count', '{PEER_PROBES}', false),"
    " CASE WHEN version() LIKE '%linux%'"  # other systems refuse it
    f" THEN set_config('tcp_user_timeout', '{PEER_TIMEOUT_MS}', false) END"
)  # no `options` in the address, which connection poolers refuse
_ADDRESS_HINT = (
    "DIGEST_DATABASE_URL: expected postgresql://user:password@host:5432/name or sqlite:////folder/file.db; "
    "in the password write / as %2F, : as %3A and @ as %40"
)
IDLE_SECONDS = 0.1  # a connection idle for longer may be dead; no server restarts faster


def engine() -> Engine:
    """The engine for the configured database."""
    return _engine(settings.get().database)


def existing_engine() -> Engine:
    """The engine for the configured database, which must be there.

    Raises Misconfigured where it is an SQLite file that does not exist: connecting would create it, so that a command
    in the wrong folder would leave an empty database there.
    """
    return _existing_engine(settings.get().database)


def missing_file(address: str) -> Path | None:
    """The SQLite file that this address names, where it does not exist; None for any other database."""
    if not address.startswith("sqlite"):
        return None
    name = make_url(address).database
    return Path(name) if name and name != ":memory:" and not Path(name).exists() else None


def engine_for(address: str) -> Engine:
    """The engine for another database, as `digest move` needs it. Raises Misconfigured for an invalid address."""
    return _engine(address.replace("postgresql://", "postgresql+psycopg://", 1))


def require_valid_address(address: str) -> URL:
    """The database's URL. Raises Misconfigured, without the URL in its text, because it may contain a password."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise Misconfigured(_ADDRESS_HINT) from error
    if url.get_backend_name() == "sqlite" and (url.host or not url.database):
        raise Misconfigured(
            "DIGEST_DATABASE_URL: SQLite's file follows three slashes, or four where its path is absolute: "
            "sqlite:///data/digest.db, sqlite:////srv/papers/digest.db"
        )
    problem = address_parameters.problem(url)
    if problem:
        raise Misconfigured(f"DIGEST_DATABASE_URL: {problem}")
    return url


@lru_cache(maxsize=4)
def _engine(address: str) -> Engine:
    url = require_valid_address(address)
    try:
        if url.get_backend_name() != "sqlite":
            return _create_postgresql_engine(url)
    except (ArgumentError, ImportError) as error:
        raise Misconfigured(_ADDRESS_HINT) from error
    return _create_sqlite_engine(url)


def _create_sqlite_engine(url: URL) -> Engine:
    arguments: dict[str, Any] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    watched = None
    if url.database:
        _make_folder(Path(url.database).parent)
    if url.database and url.database != ":memory:":
        watched = _WatchedFile(Path(url.database))
        arguments["factory"] = watched.connect
    sqlite_engine = create_engine(url, connect_args=arguments, hide_parameters=True)
    if watched is not None:
        watched.watch(sqlite_engine)
    event.listen(sqlite_engine, "connect", _prepare_sqlite)
    event.listen(sqlite_engine, "begin", _begin_sqlite)
    return sqlite_engine


def _create_postgresql_engine(url: URL) -> Engine:
    """An engine that notices within a minute that the other machine is gone, on both sides."""
    # Without an encoding, a database in SQL_ASCII answers in bytes, and no connection to it can even be refused.
    defaults = _CLIENT_TIMEOUTS | {"client_encoding": "utf8"}
    arguments = {name: value for name, value in defaults.items() if name not in url.query}
    pooled_engine = create_engine(url, pool_size=5, max_overflow=15, hide_parameters=True, connect_args=arguments)
    event.listen(pooled_engine, "connect", _set_server_keepalives)
    return _ping_idle_connections(pooled_engine)


def _set_server_keepalives(connection: Any, _record: object) -> None:
    """Settings of this connection alone; PostgreSQL ignores them on a unix socket."""
    connection.execute(_SERVER_KEEPALIVES)
    connection.commit()


@lru_cache(maxsize=4)
def _existing_engine(address: str) -> Engine:
    file = missing_file(address)
    if file is not None:
        raise Misconfigured(
            f"there is no database {file}; change to the folder of the installation, give --env-file, "
            "or create it: digest migrate"
        )
    return _engine(address)


@lru_cache(maxsize=4)
def _reading_engine(address: str) -> Engine:
    return _existing_engine(address).execution_options(reading=True)


def _ping_idle_connections(pooled_engine: Engine) -> Engine:
    """Ping a pooled connection before it is used, where it was idle for longer than IDLE_SECONDS.

    A connection used a moment ago is not checked: that would cost a round trip for each of thousands of mails.
    """

    @event.listens_for(pooled_engine, "checkin")
    def _record_checkin(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(pooled_engine, "checkout")
    def _ping_if_idle(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("idle_since", float("inf")) > IDLE_SECONDS:
            try:
                pooled_engine.dialect.do_ping(connection)
            except pooled_engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError("the server closed the connection") from error

    return pooled_engine


class _WatchedFile:
    """Uses an SQLite file only while it is the one that was opened first; writes to a moved one would be lost.

    Where it no longer exists, connecting fails instead of creating an empty database. One that was put in its place is
    not opened either: SQLite would write the log (`-wal`) of the first file into it. Disposing the engine starts anew.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._identity: tuple[int, int] | None = None

    def connect(self, *arguments: Any, **options: Any) -> sqlite3.Connection:
        """The factory of the driver's connections. Raises OperationalError where the file is not the first one."""
        if self._identity is not None and (identity := _file_identity(self._file)) != self._identity:
            raise sqlite3.OperationalError(MISSING_FILE if identity is None else REPLACED_FILE)
        options.pop("factory", None)
        return sqlite3.Connection(*arguments, **options)

    def watch(self, sqlite_engine: Engine) -> None:
        """Compare the file at each checkout."""
        event.listen(sqlite_engine, "connect", self._record_identity)
        event.listen(sqlite_engine, "checkout", self._compare_identity)
        event.listen(sqlite_engine, "engine_disposed", self._forget_identity)

    def _record_identity(self, _connection: Any, _record: Any) -> None:
        self._identity = self._identity or _file_identity(self._file)

    def _compare_identity(self, _connection: Any, _record: Any, _proxy: Any) -> None:
        if self._identity != _file_identity(self._file):
            raise DisconnectionError(MISSING_FILE)

    def _forget_identity(self, _engine: Engine) -> None:
        self._identity = None


def _file_identity(file: Path) -> tuple[int, int] | None:
    """The device and inode of a file; None where it can't be found."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _make_folder(folder: Path) -> None:
    try:
        make_private_folder(folder)
    except OSError as error:
        reason = error.strerror or "it cannot be created"
        raise Misconfigured(f"the database's folder {folder}: {reason}; set DIGEST_DATA_DIR") from error


def make_file_as_root(database: Engine) -> None:
    """Create a missing SQLite file with the owner of its folder; SQLite gives the files beside it the same owner.

    Where it can't be created, connecting fails, and that error is explained.
    """
    name = database.url.database if database.dialect.name == "sqlite" else None
    if os.geteuid() == 0 and name and name != ":memory:" and os.access(Path(name).parent, os.W_OK):
        with suppress(OSError):
            make_private_file(Path(name))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """WAL, so that reads don't wait; FULL, so that a commit survives a power cut; transactions are begun explicitly."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writing transaction takes the lock at once, because upgrading a read lock later would fail without waiting."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def transaction() -> Iterator[Session]:
    """Commit once at the end, roll back on any error. Raises Misconfigured like `existing_engine`."""
    with Session(existing_engine(), expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A consistent, read-only snapshot that blocks nobody. Raises Misconfigured like `existing_engine`."""
    with Session(_reading_engine(settings.get().database), expire_on_commit=False) as session:
        yield session  # closing rolls back, and what was read stays readable; a rollback here would expire it


@contextmanager
def reading_connection() -> Iterator[Connection]:
    """Like `reading` without a session, for a single small query that every page runs."""
    with _reading_engine(settings.get().database).connect() as connection:
        yield connection


def dispose_engines() -> None:
    """Close all connections; the next use creates a new engine (tests, after a fork)."""
    _reading_engine.cache_clear()
    _existing_engine.cache_clear()
    _engine.cache_clear()
