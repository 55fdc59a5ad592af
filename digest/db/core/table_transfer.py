"""All rows from one database into another by SQLAlchemy's types, so that SQLite and PostgreSQL can be exchanged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, LargeBinary, Table, func, insert, inspect, select, text, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from digest.db.core import schema_migration
from digest.db.core.database_failures import is_temporary
from digest.errors import BadInput, Refused
from digest.models import SearchDocument
from digest.models.types import CompressedText
from digest.text.counted import count_of

_ROWS_PER_INSERT = 1000
_DERIVED_TABLES = {str(SearchDocument.__tablename__)}
_EMPTY_TABLES = (  # a database without rows of these holds nothing to lose
    *("subscriber", "paper", "delivery"),
    *("suppression", "feed_source", "admin_token"),  # an administrator may enter these before the first paper
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TransferredTable:
    """A table with its number of rows and the SHA-256 of their values, equal in both databases."""

    name: str
    rows: int
    checksum: str


def stored_rows(database: Engine) -> dict[str, int]:
    """Rows of the tables that tell whether a database is in use; an empty dict where it has no tables."""
    with database.execution_options(reading=True).connect() as connection:
        names = set(inspect(connection).get_table_names())
        return {
            name: connection.execute(select(func.count()).select_from(SQLModel.metadata.tables[name])).scalar_one()
            for name in _EMPTY_TABLES
            if name in names
        }


def require_empty(database: Engine) -> None:
    """Raises Refused where the database is in use: where it has rows that `stored_rows` counts."""
    rows = {name: count for name, count in stored_rows(database).items() if count}
    if rows:
        content = ", ".join(f"{count_of(count, 'row')} of {name}" for name, count in rows.items())
        raise Refused(f"the database is not empty ({content})")


def transfer(source: Engine, target: Engine) -> list[TransferredTable]:
    """Copy every table into an empty database of the newest schema, and compare what arrived.

    The search index is left out: each kind of database has its own, and a background task builds it.

    The source is read in one snapshot; the target is filled in one transaction, which is rolled back where a value
    does not fit or a checksum differs (BadInput names the table).
    """
    isolation = {"isolation_level": "REPEATABLE READ"} if source.dialect.name == "postgresql" else {"reading": True}
    require_empty(target)  # before anything is changed there
    schema_migration.upgrade(database=target)
    with source.execution_options(**isolation).connect() as reading, target.begin() as writing:
        tables = [table for table in SQLModel.metadata.sorted_tables if table.name not in _DERIVED_TABLES]
        for table in reversed(tables):
            writing.execute(table.delete())
        result = []
        for table in tables:
            copied = _copy_table(table, reading, writing)
            if (arrived := _describe(table, writing)) != copied:
                raise BadInput(
                    f"table {table.name}: {arrived.rows} of {copied.rows} rows arrived, or their values differ"
                )
            _continue_serial(table, reading, writing)
            result.append(copied)
        return result


def _copy_table(table: Table, source: Connection, target: Connection) -> TransferredTable:
    checksum, count = hashlib.sha256(), 0
    rows: list[Row] = []
    for row in _rows(table, source):
        checksum.update(_canonical(row))
        rows.append(row)
        count += 1
        if len(rows) == _ROWS_PER_INSERT:
            _insert(table, rows, target)
            rows = []
    if rows:
        _insert(table, rows, target)
    return TransferredTable(table.name, count, checksum.hexdigest())


def _insert(table: Table, rows: list[Row], target: Connection) -> None:
    try:
        target.execute(insert(table), rows)
    except DBAPIError as error:
        if is_temporary(error):
            raise
        keys = [column.name for column in table.primary_key]
        first, last = ([row[key] for key in keys] for row in (rows[0], rows[-1]))
        reason = str(error.orig).strip().partition("\n")[0][:160]
        raise BadInput(f"table {table.name}, rows {first} to {last}: {reason}") from error


def _describe(table: Table, connection: Connection) -> TransferredTable:
    checksum, count = hashlib.sha256(), 0
    for row in _rows(table, connection):
        checksum.update(_canonical(row))
        count += 1
    return TransferredTable(table.name, count, checksum.hexdigest())


def _rows(table: Table, connection: Connection) -> Iterator[Row]:
    """The rows by primary key. Compressed texts stay compressed. Text keys are sorted by bytes in both databases."""
    columns = [
        type_coerce(column, LargeBinary).label(column.name) if isinstance(column.type, CompressedText) else column
        for column in table.columns
    ]
    collation = "C" if connection.dialect.name == "postgresql" else "BINARY"
    order = [column.collate(collation) if column.type.python_type is str else column for column in table.primary_key]
    statement = select(*columns).order_by(*order).execution_options(yield_per=_ROWS_PER_INSERT)
    for row in connection.execute(statement).mappings():
        yield dict(row)


def _canonical(row: Row) -> bytes:
    return json.dumps(row, default=_canonical_value, sort_keys=True, ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def _canonical_value(value: object) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _continue_serial(table: Table, source: Connection, target: Connection) -> None:
    """Let the target number new rows after the last number that the source ever gave, also to rows deleted since."""
    column = table.autoincrement_column
    if column is None:
        return
    newest = source.execute(select(func.max(column))).scalar() or 0
    last = max(newest, _last_serial(table, column.name, source))
    if last and target.dialect.name == "postgresql":
        statement = "SELECT setval(pg_get_serial_sequence(:table, :column), :last)"
        target.execute(text(statement), {"table": table.name, "column": column.name, "last": last})
    elif last and table.dialect_options["sqlite"]["autoincrement"]:
        target.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table.name})
        target.execute(text("INSERT INTO sqlite_sequence VALUES (:table, :last)"), {"table": table.name, "last": last})


def _last_serial(table: Table, column: str, source: Connection) -> int:
    if source.dialect.name == "postgresql":
        statement = "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:table, :column) AS regclass))"
        values = {"table": table.name, "column": column}
    elif table.dialect_options["sqlite"]["autoincrement"]:
        statement, values = "SELECT seq FROM sqlite_sequence WHERE name = :table", {"table": table.name}
    else:
        return 0
    return source.execute(text(statement), values).scalar() or 0
