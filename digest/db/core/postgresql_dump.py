"""PostgreSQL tables as files in COPY's text format: all of one snapshot, in an order that foreign keys allow."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from digest.db.core.database_failures import translated_driver_errors
from digest.db.core.engine import engine
from digest.errors import BadInput

VERSION_TABLE = "alembic_version"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class DumpedTable:
    """A table's columns in the order of its file, and how many rows the file has."""

    name: str
    columns: list[str]
    rows: int


def table_file(folder: Path, name: str) -> Path:
    """The compressed file of a table's rows."""
    return folder / f"{name}.copy.gz"


def dump_tables(folder: Path) -> tuple[list[DumpedTable], dict[str, int]]:
    """Write each table to a file of `folder`. Returns the tables, referenced ones first, and the last serials."""
    with _snapshot() as connection:
        tables = [_dump_table(connection, name, folder) for name in _tables_in_order(connection)]
        return tables, _last_serials(connection)


def load_tables(
    connection: Connection, folder: Path, tables: Sequence[DumpedTable], serials: Mapping[str, int]
) -> None:
    """Fill empty tables from files, in the caller's transaction. Raises BadInput where rows are missing."""
    for table in reversed(tables):
        connection.execute(text(f'DELETE FROM "{table.name}"'))  # noqa: S608 - what migrations inserted
    for table in tables:
        rows = _load_table(connection, table, folder)
        if rows != table.rows:
            raise BadInput(f"table {table.name}: {rows} rows instead of {table.rows}")
    for name, number in serials.items():
        connection.execute(text("SELECT setval(CAST(:name AS regclass), :number)"), {"name": name, "number": number})


@contextmanager
def _snapshot() -> Iterator[Connection]:
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine().execution_options(**options).connect() as connection:
        yield connection


def _tables_in_order(connection: Connection) -> list[str]:
    ordered = inspect(connection).get_sorted_table_and_fkc_names()
    return [name for name, _ in ordered if name is not None and name != VERSION_TABLE]


def _last_serials(connection: Connection) -> dict[str, int]:
    """The last number that each sequence gave; a sequence that was never used is left out."""
    statement = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()"
    return {name: last for name, last in connection.execute(text(statement)) if last is not None}


def _dump_table(connection: Connection, name: str, folder: Path) -> DumpedTable:
    columns = [str(column["name"]) for column in inspect(connection).get_columns(name)]
    statement = f'COPY "{name}" ({_quoted(columns)}) TO STDOUT'
    with (
        gzip.open(table_file(folder, name), "wb", compresslevel=6) as file,
        translated_driver_errors(connection, statement),
        _cursor(connection) as cursor,
    ):
        with cursor.copy(statement) as copy:
            for block in copy:
                file.write(block)
        return DumpedTable(name, columns, cursor.rowcount)


def _load_table(connection: Connection, table: DumpedTable, folder: Path) -> int:
    statement = f'COPY "{table.name}" ({_quoted(table.columns)}) FROM STDIN'
    with (
        gzip.open(table_file(folder, table.name), "rb") as file,
        translated_driver_errors(connection, statement),
        _cursor(connection) as cursor,
    ):
        with cursor.copy(statement) as copy:
            while block := file.read(_BLOCK_BYTES):
                copy.write(block)
        rows: int = cursor.rowcount
        return rows


def _cursor(connection: Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    return driver.cursor()


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
