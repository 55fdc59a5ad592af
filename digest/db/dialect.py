"""What SQLite and PostgreSQL say differently, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Date, cast, func, insert, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

_CHUNK = 500


def next_numbers(session: Session, table: type[SQLModel], count: int) -> list[int]:
    """Numbers for that many new rows of a table whose writers wait for each other."""
    name = str(table.__tablename__)
    if session.get_bind().dialect.name == "postgresql":
        drawn = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
        return [int(number) for number in session.execute(drawn, {"name": name, "count": count}).scalars()]
    last = session.execute(text(f"SELECT coalesce(max(id), 0) FROM {name}")).scalar_one()  # noqa: S608 - a name of ours
    return list(range(int(last) + 1, int(last) + count + 1))


def insert_plain(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the same columns past the unit of work, which would look at each."""
    if rows:
        session.connection().execute(insert(table), list(rows))


def insert_pairs(
    session: Session, table: type[SQLModel], columns: tuple[str, str], pairs: Sequence[tuple[str, int]]
) -> None:
    """Insert many (text, number) rows in one go, leaving out those that exist."""
    if not pairs:
        return
    name, of = str(table.__tablename__), ", ".join(columns)
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        texts, numbers = zip(*pairs, strict=True)
        rows = "SELECT * FROM unnest(%s::text[], %s::bigint[])"
        values: Any = (list(texts), list(numbers))
        connection.exec_driver_sql(f"INSERT INTO {name} ({of}) {rows} ON CONFLICT DO NOTHING", values)
    else:
        connection.exec_driver_sql(f"INSERT OR IGNORE INTO {name} ({of}) VALUES (?, ?)", list(pairs))  # noqa: S608 - names of ours


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
