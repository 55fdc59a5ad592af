"""Inserts editions and their deliveries, many at once, by columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, insert, literal, select
from sqlmodel import Session, SQLModel

from digest.db.core import bulk_copy
from digest.db.core.dialect import in_values, insert_columns, unused_numbers
from digest.db.outbox.deliveries import PRIORITY_NORMAL
from digest.models import Edition
from digest.models.delivery import DIGEST, NOTICE, QUEUED
from digest.models.types import UTCDateTime

BULK_COPY_FROM = 64
_EDITION, _READER, _MAIL = (SQLModel.metadata.tables[name] for name in ("edition", "subscriber", "delivery"))


def insert_editions(session: Session, columns: Mapping[str, Any]) -> list[int]:
    """Insert editions. `columns`: for each a list of values, or one value for all; texts must be the same for all.

    The contents are compressed already. Returns the ids in order.
    """
    numbers = unused_numbers(session, Edition, len(columns["subscriber_id"]))
    rows = {"id": numbers, **columns, "cancelled": False}
    if len(numbers) >= BULK_COPY_FROM and session.get_bind().dialect.name == "postgresql":
        bulk_copy.copy_columns(session, Edition, rows)
    else:
        insert_columns(session, Edition, rows)
    return numbers


def enqueue_digests(session: Session, numbers: Sequence[int], now: datetime) -> None:
    """Queue the mails of editions inserted in this transaction, due now. They are new, so no duplicate is possible."""
    edition, reader = _EDITION.c, _READER.c
    columns = {
        "kind": case((edition.papers > 0, DIGEST), else_=NOTICE),
        "subject_id": edition.id,
        "subscriber_id": edition.subscriber_id,
        "run_id": edition.run_id,
        "address": reader.address,
        "domain": func.lower(func.substr(reader.address, _at_sign(session, reader.address) + 1)),
        "priority": literal(PRIORITY_NORMAL),
        "state": literal(QUEUED),
        "due_at": literal(now, UTCDateTime()),
        "created_at": literal(now, UTCDateTime()),
    }
    mails = select(*columns.values()).join_from(_EDITION, _READER, reader.id == edition.subscriber_id)
    chosen = mails.where(in_values(session, edition.id, numbers)).order_by(edition.id)
    session.execute(insert(_MAIL).from_select(list(columns), chosen))


def _at_sign(session: Session, column: ColumnElement[str]) -> ColumnElement[int]:
    """The position of the @ in an address; every stored address has exactly one."""
    return (func.instr if session.get_bind().dialect.name == "sqlite" else func.strpos)(column, "@")
