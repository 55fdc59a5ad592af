"""The differences between SQLite's and PostgreSQL's SQL, in one place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import JSON, ColumnElement, Date, Dialect, LargeBinary, any_, cast, func, literal, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import UserDefinedType
from sqlmodel import Session, SQLModel

from digest.db.core import bulk_copy
from digest.models.types import CompressedText, UTCDateTime

_ROWS_PER_INSERT = 500
_LINES_PER_BLOCK = 2000  # rows of one block of a COPY
_COPY_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SEPARATOR = "\0"  # no text in PostgreSQL can contain it


def next_ids(session: Session, table: type[SQLModel], count: int) -> list[int]:
    """Ids for `count` new rows of a table that has one writer at a time."""
    name = str(table.__tablename__)
    if session.get_bind().dialect.name == "postgresql":
        statement = text(
            "SELECT setval(sequence, nextval(sequence) + :count - 1) - :count"
            " FROM (SELECT CAST(pg_get_serial_sequence(:name, 'id') AS regclass) AS sequence) AS ours"
        )
        last_id = session.execute(statement, {"name": name, "count": count}).scalar_one()
    else:
        last_id = session.execute(text(f"SELECT coalesce(max(id), 0) FROM {name}")).scalar_one()  # noqa: S608 - a name of ours
    return list(range(int(last_id) + 1, int(last_id) + count + 1))


def in_values(session: Session, column: Any, values: Sequence[str | int]) -> ColumnElement[bool]:
    """`column IN (values)` with all values in one parameter, which is fast for thousands of values."""
    if session.get_bind().dialect.name == "postgresql":
        equals_any: ColumnElement[bool] = column == any_(
            literal(_array_literal(values), _ArrayText(_type_name(session, column)))
        )
        return equals_any
    json_values = func.json_each(json.dumps(list(values))).table_valued("value")
    is_listed: ColumnElement[bool] = column.in_(select(json_values.c.value))
    return is_listed


class _ArrayText(UserDefinedType[str]):
    """An array literal bound with its type: PostgreSQL parses it once, but would evaluate a cast for each row."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_col_spec(self, **_: Any) -> str:
        """The SQL name of the array type."""
        return self.kind + "[]"


def _type_name(session: Session, column: Any) -> str:
    """The database's name for a column's values."""
    dialect = session.get_bind().dialect
    return str(column.type.dialect_impl(dialect).compile(dialect))


def _array_literal(values: Sequence[str | int]) -> str:
    """A PostgreSQL array literal; the driver would adapt each value on its own."""
    if not values or not isinstance(values[0], str):
        return f"{{{','.join(map(str, values))}}}"
    texts = _SEPARATOR.join(map(str, values)).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + texts.replace(_SEPARATOR, '","') + '"}'


def unused_ids(session: Session, table: type[SQLModel], count: int) -> list[int]:
    """Ids for `count` new rows that no row ever had, deleted ones included (SQLite: AUTOINCREMENT).

    Safe with concurrent writers.
    """
    if session.get_bind().dialect.name == "postgresql":
        statement = text(
            "SELECT array_agg(nextval(sequence)) FROM generate_series(1, :count),"
            " (SELECT CAST(pg_get_serial_sequence(:name, 'id') AS regclass) AS sequence OFFSET 0) AS ours"
        )
        return session.execute(statement, {"name": str(table.__tablename__), "count": count}).scalar_one() or []
    last_id_query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    last_id = session.execute(last_id_query, {"name": str(table.__tablename__)}).scalar_one_or_none() or 0
    return list(range(int(last_id) + 1, int(last_id) + count + 1))


def insert_missing(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert new rows, all with the same columns, on PostgreSQL by COPY.

    Values are Python values, as in an ordinary insert; omitted columns get their defaults.
    """
    if rows:
        insert_columns(session, table, {name: [row[name] for row in rows] for name in rows[0]})


def insert_columns(session: Session, table: type[SQLModel], values_by_column: Mapping[str, Any]) -> None:
    """Insert new rows, on PostgreSQL by COPY. `values_by_column`: for each a list of values, or one value for all rows.

    Omitted columns get their defaults.
    """
    dialect = session.connection().dialect
    row_count = max((len(values) for values in values_by_column.values() if isinstance(values, list)), default=0)
    columns = {}
    for column in table.__table__.c:  # type: ignore[attr-defined]
        if column.name in values_by_column:
            value = values_by_column[column.name]
            converted = _driver_values(column, value if isinstance(value, list) else [value], dialect)
            columns[column.name] = converted if isinstance(value, list) else converted * row_count
        elif column.default is not None:
            columns[column.name] = _driver_values(column, [column.default.arg], dialect) * row_count
    if row_count:
        _insert(session, str(table.__tablename__), list(columns), list(columns.values()))


def _driver_values(column: Any, values: list[Any], dialect: Dialect) -> list[Any]:
    """A column's values as the driver expects them."""
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    if isinstance(column.type, JSON):  # COPY cannot use the driver's wrappers
        return [json.dumps(value) for value in values]
    if isinstance(column.type, CompressedText):
        return [column.type.process_bind_param(value, dialect) for value in values]
    if convert is None or isinstance(column.type, LargeBinary):  # nor those for bytes
        return values
    converted: dict[Any, Any] = {}
    if not isinstance(column.type, UTCDateTime):
        return [convert(value) for value in values]
    return [converted[value] if value in converted else converted.setdefault(value, convert(value)) for value in values]


def insert_rows(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, all with the same columns, without the unit of work. Dictionaries are stored as JSON."""
    if not rows:
        return
    name, columns = str(table.__tablename__), list(rows[0])
    objects = {column for column in columns if isinstance(rows[0][column], dict)}
    values = [[json.dumps(row[c]) if c in objects else row[c] for row in rows] for c in columns]
    _insert(session, name, columns, values)


def _insert(session: Session, name: str, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
    """Insert rows given by columns, with values as the driver expects them."""
    if session.get_bind().dialect.name == "postgresql":
        _copy_text(session, name, columns, values)
        return
    placeholders = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({placeholders})"  # noqa: S608 - names of ours
    session.connection().exec_driver_sql(statement, list(zip(*values, strict=True)))


def _copy_text(session: Session, name: str, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
    """Insert by a COPY in text format, formatted column by column."""
    starts = range(0, len(values[0]), _LINES_PER_BLOCK)
    parts = ([_copy_fields(column[start : start + _LINES_PER_BLOCK]) for column in values] for start in starts)
    lines = ("\n".join(map("\t".join, zip(*texts, strict=True))) + "\n" for texts in parts)
    bulk_copy.copy_blocks(session, f"COPY {name} ({', '.join(columns)}) FROM STDIN", lines)


def _copy_fields(values: Sequence[Any]) -> list[str]:
    """A column's values in COPY's text format."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return list(map(str, values))
    if kinds == {bytes}:
        return ["\\\\x" + value.hex() for value in values]
    if kinds == {str}:
        return _escape(_SEPARATOR.join(values)).split(_SEPARATOR)
    field_by_value: dict[Any, str] = {}
    return [
        field_by_value[value] if value in field_by_value else field_by_value.setdefault(value, _copy_field(value))
        for value in values
    ]


def _copy_field(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return _escape(value) if isinstance(value, str) else str(value)


def _escape(text: str) -> str:
    """Escape a text for COPY. Escaping many joined texts at once takes hardly longer than one."""
    for character, escape in _COPY_ESCAPES.items():
        text = text.replace(character, escape)
    return text


def insert_pairs(
    session: Session,
    table: type[SQLModel],
    columns: tuple[str, str],
    pairs: Sequence[tuple[str, int]],
    *,
    is_new: bool = False,
) -> None:
    """Insert many (one-line text, number) rows at once, skipping existing ones; `is_new`: none exists.

    They are inserted in order, so that each page of the table's tree is touched once.
    """
    if not pairs:
        return
    name, column_list, pairs = str(table.__tablename__), ", ".join(columns), sorted(pairs, key=itemgetter(0))
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        if is_new:
            _copy_text(session, name, columns, list(zip(*pairs, strict=True)))
            return
        texts, numbers = zip(*pairs, strict=True)
        rows = r"SELECT * FROM unnest(string_to_array(%s, E'\n'), string_to_array(%s, ',')::bigint[])"
        values: Any = ("\n".join(texts), ",".join(map(str, numbers)))
        connection.exec_driver_sql(f"INSERT INTO {name} ({column_list}) {rows} ON CONFLICT DO NOTHING", values)
    else:
        connection.exec_driver_sql(f"INSERT OR IGNORE INTO {name} ({column_list}) VALUES (?, ?)", pairs)  # noqa: S608 - names of ours


def insert_ignore(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows, skipping those whose unique key exists. Returns how many were inserted."""
    inserted = 0
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        part = [dict(row) for row in rows[start : start + _ROWS_PER_INSERT]]
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        statement = insert(table).values(part).on_conflict_do_nothing()
        outcome = session.execute(statement, execution_options={"preserve_rowcount": True})
        inserted += getattr(outcome, "rowcount", 0)
    return inserted


def utc_day(session: Session, instant: Any) -> Any:
    """The UTC date of a column of instants: a date on PostgreSQL, its ISO text on SQLite."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.timezone("UTC", instant), Date)
    return func.date(instant)


def lock_name(session: Session, name: str) -> None:
    """Lock a name until the transaction ends. On SQLite a writing transaction locks the whole database anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"digest.{name}"})
