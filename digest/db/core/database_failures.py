"""What a failure of the database means for an administrator: the problem in its own words, and the cure."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError

from digest.db.core import disk_space

DatabaseFailure = InterfaceError | DatabaseError
FAILURES = (InterfaceError, DatabaseError)  # what `problem_and_cure` explains
DAMAGED = "the database is damaged"
UNUSABLE_FILE = "this user may not use the database's file"
UNUSABLE_FILE_CURE = (
    "run the command as the user of the service, or let it write the file, -wal and -shm beside it, and the folder"
)
_FULL_DISK = "the disk of the database is full"
_FULL_DISK_CURE = "free space there; what was not stored is done again"
_REFUSED_LOGIN = "the database server refuses the login"
_CAUSES = (  # words of SQLite's and PostgreSQL's errors, what they mean, and what to do
    (
        r"malformed|not a database|database corruption|invalid page",
        DAMAGED,
        "stop the service, move the damaged database away, and restore the last backup: digest restore FILE",
    ),
    (
        r"database file no longer exists",
        "the database's file was moved or deleted while it was in use",
        "stop the service, put the file back or restore the last backup (digest restore FILE), then start it",
    ),
    (
        r"database file was replaced",
        "the database's file was replaced while it was in use",
        "stop the service, move the -wal and -shm of the old file away, which lie beside the new one, then start it",
    ),
    (
        r"database is locked|database table is locked",
        "another program keeps the database locked",
        "end it (a shell of SQLite, or a program that copies the file), then repeat",
    ),
    (r"disk is full|No space left", _FULL_DISK, _FULL_DISK_CURE),
    (
        r"disk I/O error",
        "the database's file can't be read or written",
        "see the system's log for errors of the disk, and check the user's quota",
    ),
    (
        r"read-only transaction",
        "the database server is a read-only standby",
        "name the primary in DIGEST_DATABASE_URL, or all servers with target_session_attrs=read-write",
    ),
    (
        r"readonly database|unable to open database file",
        UNUSABLE_FILE,
        UNUSABLE_FILE_CURE,
    ),
    (
        r"no schema has been selected",
        "there is no schema of the search_path in this database",
        "create it (CREATE SCHEMA), or correct `options` in DIGEST_DATABASE_URL",
    ),
    (
        r"password authentication failed|no password supplied|authentication failed for user",
        _REFUSED_LOGIN,
        "correct user and password in DIGEST_DATABASE_URL (in the password write / as %2F, : as %3A and @ as %40)",
    ),
    (r"role .* does not exist", _REFUSED_LOGIN, "correct the user in DIGEST_DATABASE_URL, or create it: CREATE ROLE"),
    (
        r"database .* does not exist",
        "the server has no such database",
        "correct the name at the end of DIGEST_DATABASE_URL, or create it (createdb), then: digest migrate",
    ),
    (
        r"pg_hba\.conf",
        "the server accepts no such connection from here",
        "allow user, database and address in its pg_hba.conf (perhaps only with TLS: sslmode=require)",
    ),
    (
        r"does not support SSL",
        "the server has no TLS, which DIGEST_DATABASE_URL demands",
        "switch it on there, or change sslmode in DIGEST_DATABASE_URL",
    ),
    (
        r"certificate",
        "the certificate of the server is not accepted",
        "correct sslmode, sslrootcert or the host in DIGEST_DATABASE_URL, or the certificate",
    ),
    (
        r"too many (?:clients|connections)|connection slots",
        "the server has no connection left",
        "raise its max_connections, or run fewer processes",
    ),
    (
        r"failed to resolve host|could not translate host name",
        "the database's host is not known",
        "correct the host in DIGEST_DATABASE_URL, or this machine's DNS",
    ),
    (
        r"permission denied",
        "the user of DIGEST_DATABASE_URL lacks a right",
        "make it the owner of the database and its tables",
    ),
)


def is_temporary(error: BaseException) -> bool:
    """True where the database failed for a short time, so that the same work may succeed later."""
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    )


def is_program_error(error: DBAPIError) -> bool:
    """True for a wrong statement, which SQLite reports as an operational error, too."""
    return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def problem_and_cure(error: DBAPIError) -> tuple[str, str]:
    """What a failure of the database means, with the database's own words, and what to do."""
    reason = str(error.orig).strip().partition("\n")[0][:160]
    if isinstance(error.orig, sqlite3.OperationalError) and disk_space.is_exhausted():
        return f"{_FULL_DISK} ({reason})", _FULL_DISK_CURE
    for pattern, problem, cure in _CAUSES:
        if re.search(pattern, reason, re.IGNORECASE):
            return f"{problem} ({reason})", cure
    return f"the database does not answer: {reason}", "check host and port of DIGEST_DATABASE_URL, and that it runs"


@contextmanager
def translated_driver_errors(connection: Connection, statement: str) -> Iterator[None]:
    """For calls of the driver that bypass SQLAlchemy: raise its errors as SQLAlchemy's, as for any statement."""
    driver_error = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except driver_error as error:
        raise DBAPIError.instance(
            statement, None, error, driver_error, hide_parameters=True, dialect=connection.dialect
        ) from error
