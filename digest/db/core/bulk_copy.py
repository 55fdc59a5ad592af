"""PostgreSQL's COPY for many rows: there is no statement to plan and, in binary format, no value to parse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import Boolean, Date, Integer, LargeBinary
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

from digest.models.types import BigIntegerId, CompressedText, UTCDateTime

_ROWS = 2000  # rows of one block
_BEGIN, _END = b"PGCOPY\n\xff\r\n" + bytes(9), b"\xff\xff"
_FIRST_DAY, _FIRST_MOMENT = date(2000, 1, 1), datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NUMBERS = ((BigIntegerId, ">i8"), (UTCDateTime, ">i8"), (Boolean, ">i1"), (Date, ">i4"), (Integer, ">i4"))


def copy_blocks(session: Session, statement: str, blocks: Iterable[str | bytes]) -> None:
    """Send the data of a COPY. This bypasses SQLAlchemy, so the driver's errors are converted to SQLAlchemy's here."""
    import psycopg  # loaded only where the database is PostgreSQL

    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as into:
            for block in blocks:
                into.write(block)
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=connection.dialect) from error


def copy_columns(session: Session, table: type[SQLModel], columns: Mapping[str, Any]) -> None:
    """Insert rows by a binary COPY. `columns`: for each a list of values, or one value for all rows."""
    number = max(len(values) for values in columns.values() if isinstance(values, list))
    if number:
        copy_blocks(session, _statement(table, columns), _blocks(table, columns, number))


def _statement(table: type[SQLModel], columns: Mapping[str, Any]) -> str:
    """The COPY statement."""
    return f"COPY {table.__tablename__} ({', '.join(_in_order(table, columns))}) FROM STDIN (FORMAT binary)"


def _blocks(table: type[SQLModel], columns: Mapping[str, Any], number: int) -> Iterator[bytes]:
    """The rows in PostgreSQL's binary COPY format, block by block.

    Columns may hold numbers, dates, instants and bytes; a text only where it is the same for all rows.
    """
    import numpy as np  # loaded only for PostgreSQL and many rows

    names = _in_order(table, columns)
    longs = [name for name in names if _is_long(table, name)]
    fixed = [(name, *_fixed(table, name, columns[name])) for name in names if name not in longs]
    heads = np.zeros(
        number, [("columns", ">i2"), *((part, kind) for name, kind, _ in fixed for part, kind in _parts(name, kind))]
    )
    heads["columns"] = len(names)
    for name, kind, values in fixed:
        heads[f"{name} size"] = -1 if kind is None else np.dtype(kind).itemsize
        if kind is not None:
            heads[name] = values
    rows, width = heads.tobytes(), heads.itemsize
    yield _BEGIN
    for start in range(0, number, _ROWS):
        some = range(start, min(start + _ROWS, number))
        pieces = [[rows[at * width : (at + 1) * width] for at in some]]
        for name in longs:
            values = columns[name][start : start + _ROWS]
            pieces += [[len(value).to_bytes(4, "big") for value in values], values]
        yield b"".join(chain.from_iterable(zip(*pieces, strict=True)))
    yield _END


def _parts(name: str, kind: str | None) -> list[tuple[str, str]]:
    return [(f"{name} size", ">i4"), *([(name, kind)] if kind is not None else [])]


def _in_order(table: type[SQLModel], columns: Mapping[str, Any]) -> list[str]:
    """The column names, those of fixed length first."""
    return sorted(columns, key=lambda name: _is_long(table, name))


def _is_long(table: type[SQLModel], name: str) -> bool:
    return isinstance(SQLModel.metadata.tables[str(table.__tablename__)].c[name].type, LargeBinary | CompressedText)


def _fixed(table: type[SQLModel], name: str, values: Any) -> tuple[str | None, Any]:
    """The numpy type of a fixed-length column and its encoded values; (None, None) for NULL."""
    if values is None:
        return None, None
    if isinstance(values, str):
        return f"S{len(values.encode())}", values.encode()
    kind = SQLModel.metadata.tables[str(table.__tablename__)].c[name].type
    code = next(code for of, code in _NUMBERS if isinstance(kind, of))
    if isinstance(kind, Date | UTCDateTime):
        known = {value: _counted(value) for value in (set(values) if isinstance(values, list) else {values})}
        values = [known[value] for value in values] if isinstance(values, list) else known[values]
    return code, values


def _counted(value: date | datetime) -> int:
    """Days or microseconds since the beginning of 2000."""
    if isinstance(value, datetime):
        return (value - _FIRST_MOMENT) // _MICROSECOND
    return (value - _FIRST_DAY).days
