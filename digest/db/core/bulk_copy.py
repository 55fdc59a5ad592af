"""PostgreSQL's COPY for many rows: there is no statement to plan and, in binary format, no value to parse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import Boolean, Date, Integer, LargeBinary
from sqlmodel import Session, SQLModel

from digest.db.core.database_failures import translated_driver_errors
from digest.models.types import BigIntegerId, CompressedText, UTCDateTime

_ROWS_PER_BLOCK = 2000  # rows of one block
_COPY_HEADER, _COPY_TRAILER = b"PGCOPY\n\xff\r\n" + bytes(9), b"\xff\xff"
_EPOCH_DAY, _EPOCH_INSTANT = date(2000, 1, 1), datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NUMERIC_CODES = ((BigIntegerId, ">i8"), (UTCDateTime, ">i8"), (Boolean, ">i1"), (Date, ">i4"), (Integer, ">i4"))


def copy_blocks(session: Session, statement: str, blocks: Iterable[str | bytes]) -> None:
    """Send the data of a COPY."""
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    with (
        translated_driver_errors(connection, statement),
        driver.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for block in blocks:
            copy.write(block)


def copy_columns(session: Session, table: type[SQLModel], columns: Mapping[str, Any]) -> None:
    """Insert rows by a binary COPY. `columns`: for each a list of values, or one value for all rows."""
    row_count = max(len(values) for values in columns.values() if isinstance(values, list))
    if row_count:
        copy_blocks(session, _copy_statement(table, columns), _binary_blocks(table, columns, row_count))


def _copy_statement(table: type[SQLModel], columns: Mapping[str, Any]) -> str:
    """The COPY statement."""
    return f"COPY {table.__tablename__} ({', '.join(_fixed_length_first(table, columns))}) FROM STDIN (FORMAT binary)"


def _binary_blocks(table: type[SQLModel], columns: Mapping[str, Any], row_count: int) -> Iterator[bytes]:
    """The rows in PostgreSQL's binary COPY format, block by block.

    Columns may hold numbers, dates, instants and bytes; a text only where it is the same for all rows.
    """
    import numpy as np  # loaded only for PostgreSQL and many rows

    names = _fixed_length_first(table, columns)
    variable_columns = [name for name in names if _is_variable_length(table, name)]
    fixed_columns = [
        (name, *_encode_fixed(table, name, columns[name])) for name in names if name not in variable_columns
    ]
    prefixes = np.zeros(
        row_count,
        [
            ("columns", ">i2"),
            *((part, kind) for name, kind, _ in fixed_columns for part, kind in _field_dtypes(name, kind)),
        ],
    )
    prefixes["columns"] = len(names)
    for name, kind, values in fixed_columns:
        prefixes[f"{name} size"] = -1 if kind is None else np.dtype(kind).itemsize
        if kind is not None:
            prefixes[name] = values
    rows, width = prefixes.tobytes(), prefixes.itemsize
    yield _COPY_HEADER
    for start in range(0, row_count, _ROWS_PER_BLOCK):
        block_rows = range(start, min(start + _ROWS_PER_BLOCK, row_count))
        row_pieces = [[rows[row * width : (row + 1) * width] for row in block_rows]]
        for name in variable_columns:
            values = columns[name][start : start + _ROWS_PER_BLOCK]
            row_pieces += [[len(value).to_bytes(4, "big") for value in values], values]
        yield b"".join(chain.from_iterable(zip(*row_pieces, strict=True)))
    yield _COPY_TRAILER


def _field_dtypes(name: str, kind: str | None) -> list[tuple[str, str]]:
    return [(f"{name} size", ">i4"), *([(name, kind)] if kind is not None else [])]


def _fixed_length_first(table: type[SQLModel], columns: Mapping[str, Any]) -> list[str]:
    """The column names, those of fixed length first."""
    return sorted(columns, key=lambda name: _is_variable_length(table, name))


def _is_variable_length(table: type[SQLModel], name: str) -> bool:
    return isinstance(SQLModel.metadata.tables[str(table.__tablename__)].c[name].type, LargeBinary | CompressedText)


def _encode_fixed(table: type[SQLModel], name: str, values: Any) -> tuple[str | None, Any]:
    """The numpy type of a fixed-length column and its encoded values; (None, None) for NULL."""
    if values is None:
        return None, None
    if isinstance(values, str):
        return f"S{len(values.encode())}", values.encode()
    type_of_column = SQLModel.metadata.tables[str(table.__tablename__)].c[name].type
    code = next(code for column_type, code in _NUMERIC_CODES if isinstance(type_of_column, column_type))
    if isinstance(type_of_column, Date | UTCDateTime):
        encoded_by_value = {
            value: _days_or_microseconds(value) for value in (set(values) if isinstance(values, list) else {values})
        }
        values = [encoded_by_value[value] for value in values] if isinstance(values, list) else encoded_by_value[values]
    return code, values


def _days_or_microseconds(value: date | datetime) -> int:
    """Days or microseconds since the beginning of 2000."""
    if isinstance(value, datetime):
        return (value - _EPOCH_INSTANT) // _MICROSECOND
    return (value - _EPOCH_DAY).days
