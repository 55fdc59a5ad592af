"""What SQLite and PostgreSQL say differently, in one place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Date, any_, cast, func, literal, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

_CHUNK = 500
_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def next_numbers(session: Session, table: type[SQLModel], count: int) -> list[int]:
    """Numbers for that many new rows of a table whose writers wait for each other."""
    name = str(table.__tablename__)
    if session.get_bind().dialect.name == "postgresql":
        drawn = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
        return [int(number) for number in session.execute(drawn, {"name": name, "count": count}).scalars()]
    last = session.execute(text(f"SELECT coalesce(max(id), 0) FROM {name}")).scalar_one()  # noqa: S608 - a name of ours
    return list(range(int(last) + 1, int(last) + count + 1))


def among(session: Session, column: Any, values: Sequence[str | int]) -> ColumnElement[bool]:
    """`column IN (values)` with all values in one parameter: thousands of them cost no time to write down."""
    if session.get_bind().dialect.name == "postgresql":
        found: ColumnElement[bool] = column == any_(literal(list(values), postgresql.ARRAY(column.type)))
        return found
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    chosen: ColumnElement[bool] = column.in_(select(listed.c.value))
    return chosen


def insert_plain(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the same columns past the unit of work, which would look at each. Values are those of JSON."""
    if not rows:
        return
    if session.get_bind().dialect.name != "postgresql":
        _insert_tuples(session, str(table.__tablename__), rows)
        return
    columns = [table.__table__.c[name] for name in rows[0]]  # type: ignore[attr-defined]
    types = ", ".join(f"{column.name} {column.type.compile(_POSTGRESQL)}" for column in columns)
    names = ", ".join(column.name for column in columns)
    values = f"SELECT {names} FROM json_to_recordset(%s::json) AS given({types})"  # noqa: S608 - names of ours
    statement = f"INSERT INTO {table.__tablename__} ({names}) {values}"
    session.connection().exec_driver_sql(statement, (json.dumps(list(rows), ensure_ascii=False),))


def _insert_tuples(session: Session, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """SQLite's driver takes plain tuples; objects go in as the text of their JSON."""
    columns = list(rows[0])
    objects = {column for column in columns if isinstance(rows[0][column], dict)}
    values = [tuple(json.dumps(row[c]) if c in objects else row[c] for c in columns) for row in rows]
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of ours
    session.connection().exec_driver_sql(statement, values)


def insert_pairs(
    session: Session,
    table: type[SQLModel],
    columns: tuple[str, str],
    pairs: Sequence[tuple[str, int]],
    *,
    fresh: bool = False,
) -> None:
    """Insert many (text in one line, number) rows in one go, leaving out those that exist; `fresh`: none does.

    They go in sorted, so that each page of the table's tree is touched once.
    """
    if not pairs:
        return
    name, of, pairs = str(table.__tablename__), ", ".join(columns), sorted(pairs)
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        texts, numbers = zip(*pairs, strict=True)
        unless = "" if fresh else " ON CONFLICT DO NOTHING"
        rows = r"SELECT * FROM unnest(string_to_array(%s, E'\n'), string_to_array(%s, ',')::bigint[])"
        values: Any = ("\n".join(texts), ",".join(map(str, numbers)))
        connection.exec_driver_sql(f"INSERT INTO {name} ({of}) {rows}{unless}", values)
    else:
        connection.exec_driver_sql(f"INSERT OR IGNORE INTO {name} ({of}) VALUES (?, ?)", pairs)  # noqa: S608 - names of ours


def insert_ignore(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows, leaving out those whose unique key exists; returns how many went in."""
    made = 0
    for start in range(0, len(rows), _CHUNK):
        part = [dict(row) for row in rows[start : start + _CHUNK]]
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        statement = insert(table).values(part).on_conflict_do_nothing()
        outcome = session.execute(statement, execution_options={"preserve_rowcount": True})
        made += getattr(outcome, "rowcount", 0)
    return made


def utc_day(session: Session, instant: Any) -> Any:
    """The UTC date of a column of instants; a date or its ISO text."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.timezone("UTC", instant), Date)
    return func.date(instant)


def lock_name(session: Session, name: str) -> None:
    """Hold this name until the transaction ends. On SQLite a writing transaction holds the whole database anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"digest.{name}"})
