"""Overwrites deleted rows, whose bytes otherwise stay in an SQLite file until they are reused."""

from __future__ import annotations

import sqlite3

from digest import logs
from digest.db.core.engine import engine

log = logs.get(__name__)


def scrub_deleted() -> bool:
    """Rewrite an SQLite file without deleted rows, and empty its write-ahead log. False where it must be retried.

    VACUUM, not `secure_delete`: rows that a B-tree moved between pages leave copies that only a rewrite removes.
    PostgreSQL reclaims deleted rows by itself (OPERATIONS.md says when); there is nothing to do for it here.
    """
    if engine().dialect.name != "sqlite":
        return True
    connection = engine().raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("VACUUM")
        busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:  # locked for longer than the busy time-out, or no room on the disk
        log.warning("deleted_rows_remain_in_file", reason=str(error))
        return False
    finally:
        connection.close()
    if busy:
        log.warning("deleted_rows_remain_in_file", reason="a long read keeps the write-ahead log")
    return not busy
