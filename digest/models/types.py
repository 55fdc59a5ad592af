"""Column types with the same meaning on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary
from sqlalchemy.types import TypeDecorator, TypeEngine

_SMALL_WINDOW_UP_TO = 1 << 12


class UTCDateTime(TypeDecorator[datetime]):
    """An aware instant, stored in UTC. Raises ValueError for a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC, for SQLite without a time zone."""
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
    """A row whose id the database assigns."""

    @property
    def id(self) -> int | None:
        """None before the row is stored."""


def stored_id(row: HasId) -> int:
    """The id of a stored row. Raises ValueError for one that was never flushed."""
    if row.id is None:
        raise ValueError(f"{type(row).__name__} was not stored yet, so it has no id")
    return row.id


class BigIntegerId(TypeDecorator[int]):
    """A 64-bit id, for tables with a row for each subscriber and day. SQLite's integers have 64 bits anyway."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int]:
        """INTEGER on SQLite, which assigns ids only to columns of that type; else BIGINT."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


def compress(text: bytes) -> bytes:
    """Compress JSON, as `CompressedText` stores it. Short texts use a small window, which is faster to set up."""
    if len(text) > _SMALL_WINDOW_UP_TO:
        return zlib.compress(text, 1)
    packer = zlib.compressobj(1, zlib.DEFLATED, 12, 5)
    return packer.compress(text) + packer.flush()


class CompressedText(TypeDecorator[Any]):
    """A JSON value compressed by zlib, for contents that are only read as a whole."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Compress to bytes; a value of bytes is compressed already."""
        if value is None or isinstance(value, bytes):
            return value
        return compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        """Decompress and parse."""
        return None if value is None else json.loads(zlib.decompress(value))
