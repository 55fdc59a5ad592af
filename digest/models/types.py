"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary
from sqlalchemy.types import TypeDecorator, TypeEngine

_SHORT = 1 << 12


class UTCDateTime(TypeDecorator[datetime]):
    """An aware instant, kept in UTC. A naive value is a mistake of the caller."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite keeps it without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime can't be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class HasId(Protocol):
    """A row whose id the database gives."""

    @property
    def id(self) -> int | None:
        """None before the row is stored."""


def stored_id(row: HasId) -> int:
    """The id of a row that the database has. Raises ValueError for one that was never flushed."""
    if row.id is None:
        raise ValueError(f"{type(row).__name__} was not stored yet, so it has no id")
    return row.id


class BigIntegerId(TypeDecorator[int]):
    """A number of eight bytes, for tables that get a row a reader and day; SQLite's numbers are wide anyway."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int]:
        """SQLite counts up by itself only what is called INTEGER."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


def compress(text: bytes) -> bytes:
    """JSON compressed, as `Packed` keeps it. What is short needs no large tables, which cost more than the work."""
    if len(text) > _SHORT:
        return zlib.compress(text, 1)
    packer = zlib.compressobj(1, zlib.DEFLATED, 12, 5)
    return packer.compress(text) + packer.flush()


class CompressedText(TypeDecorator[Any]):
    """A JSON value, compressed (zlib): for contents that are read whole or not at all."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """To compact bytes; what is bytes already was packed."""
        if value is None or isinstance(value, bytes):
            return value
        return compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        """Back to the value."""
        return None if value is None else json.loads(zlib.decompress(value))
