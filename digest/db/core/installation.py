"""The installation's identity, created once by `digest migrate` and stored in the database, so backups include it."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from digest import clock
from digest.models import Installation

KEY_BYTES = 16


def ensure_installation(connection: Connection) -> str:
    """The identity's key. It is created where the row is missing (a new database, or somebody deleted it)."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"id": 1, "key": secrets.token_hex(KEY_BYTES), "created_at": clock.now()}
    connection.execute(insert(Installation).values(row).on_conflict_do_nothing(index_elements=["id"]))
    return connection.execute(select(col(Installation.key))).scalar_one()


def installation_key(session: Session) -> str:
    """The identity's key. Raises where the database was not migrated."""
    return session.exec(select(Installation.key)).one()
