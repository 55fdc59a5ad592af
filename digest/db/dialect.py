"""What SQLite and PostgreSQL say differently, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

_CHUNK = 500


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


def lock_name(session: Session, name: str) -> None:
    """Hold this name until the transaction ends. On SQLite a writing transaction holds the whole database anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"digest.{name}"})
