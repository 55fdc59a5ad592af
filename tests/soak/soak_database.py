"""The database of a simulated service: a PostgreSQL that moves, or an SQLite file on a small disk."""

from __future__ import annotations

import contextlib
import sqlite3
from types import TracebackType
from typing import Protocol

import psycopg

from tests.patience import PATIENCE
from tests.small_disk import SmallDisk

DATABASE_ERRORS = (psycopg.Error, sqlite3.Error)  # what `query` raises where the database does not answer


class SoakDatabase(Protocol):
    """What the soak asks of either."""

    @property
    def address(self) -> str:
        """DATABASE_URL."""

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """The rows. Raises one of DATABASE_ERRORS where it does not answer within seconds."""

    def size_kb(self) -> int:
        """Its size. Raises as `query` does."""

    def revive(self) -> None:
        """Start it where it has ended."""

    def wait_until_ready(self) -> None:
        """Return when it answers."""


class SqliteFile:
    """An SQLite database on a small disk. Another program may lock it."""

    def __init__(self, disk: SmallDisk) -> None:
        self._file = disk.folder / "soak.db"
        self._lock: sqlite3.Connection | None = None

    @property
    def address(self) -> str:
        return f"sqlite:///{self._file}"

    def __enter__(self) -> SqliteFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unlock()

    def query(self, statement: str) -> list[tuple[object, ...]]:
        with contextlib.closing(sqlite3.connect(self._file, timeout=3)) as connection:
            return connection.execute(statement).fetchall()

    def size_kb(self) -> int:
        [(pages,)], [(page_bytes,)] = self.query("PRAGMA page_count"), self.query("PRAGMA page_size")
        return int(str(pages)) * int(str(page_bytes)) // 1024

    def revive(self) -> None:
        """It is a file."""

    def wait_until_ready(self) -> None:
        """It is a file."""

    def lock(self) -> None:
        """Be another program that writes, for as long as it takes. Raises sqlite3.OperationalError where it can't."""
        self._lock = sqlite3.connect(self._file, isolation_level=None, timeout=PATIENCE)  # the service writes often
        self._lock.execute("BEGIN IMMEDIATE")

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None
