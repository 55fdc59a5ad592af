"""Connections to PostgreSQL that outlive the engine of a test.

A new connection reads all catalogs anew, which costs the server more than the statements of most tests.
"""

from __future__ import annotations

import os
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

Options = frozenset[tuple[str, str]]

MOST = 4  # of a database
REUSED_DATABASES = "test_"  # what the names of those begin with that Postgres.new_database gives out again


class KeptConnections:
    """Takes the place of closing and opening in the engines that it serves; a connection is reset before its reuse."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._free: dict[Options, list[psycopg.Connection[Any]]] = {}
        self._options: WeakKeyDictionary[psycopg.Connection[Any], Options] = WeakKeyDictionary()

    def serve(self, engine: Engine) -> None:
        event.listen(engine, "do_connect", self._take)
        engine.dialect.do_close = self._keep  # type: ignore[method-assign]

    def close(self) -> None:
        for connections in self._free.values():
            for connection in connections:
                connection.close()
        self._free.clear()

    def _take(self, dialect: Any, _record: Any, arguments: list[str], options: dict[str, Any]) -> Any:
        """A connection with these options, as good as new."""
        key = frozenset((name, str(value)) for name, value in options.items() if isinstance(value, str | int))
        connections = self._free.get(key, [])
        while connections and os.getpid() == self._process:
            connection = connections.pop()
            if _reset(connection):
                return connection
        connection = dialect.connect(*arguments, **options)
        self._options[connection] = key
        return connection

    def _keep(self, connection: psycopg.Connection[Any]) -> None:
        if self._is_worth_keeping(connection):
            connections = self._free.setdefault(self._options[connection], [])
            if len(connections) < MOST:
                connections.append(connection)
                return
        connection.close()

    def _is_worth_keeping(self, connection: psycopg.Connection[Any]) -> bool:
        return (
            os.getpid() == self._process
            and connection in self._options
            and not connection.closed
            and connection.info.transaction_status == TransactionStatus.IDLE
            and connection.info.dbname.startswith(REUSED_DATABASES)
        )


def _reset(connection: psycopg.Connection[Any]) -> bool:
    """Forget settings, prepared statements, locks and temporary tables. False where the server closed it."""
    try:
        connection.autocommit = True
        connection.execute("DISCARD ALL")
        connection.autocommit = False
    except psycopg.OperationalError:
        connection.close()
        return False
    return True
