"""Inserts editions and their deliveries, many at once, by columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, insert, literal, select
from sqlmodel import Session, SQLModel

from digest.db.core import bulk_copy
from digest.db.core.dialect import in_values, insert_columns, unused_ids
from digest.db.outbox.deliveries import PRIORITY_NORMAL
from digest.models import Edition
from digest.models.delivery import DIGEST, NOTICE, QUEUED
from digest.models.types import UTCDateTime

BULK_COPY_FROM = 64
_EDITION, _SUBSCRIBER, _DELIVERY = (SQLModel.metadata.tables[name] for name in ("edition", "subscriber", "delivery"))


def insert_editions(session: Session, columns: Mapping[str, Any]) -> list[int]:
    """Insert editions. `columns`: for each a list of values, or one value for all; texts must be the same for all.

    The contents are compressed already. Returns the ids in order.
    """
    edition_ids = unused_ids(session, Edition, len(columns["subscriber_id"]))
    rows = {"id": edition_ids, **columns, "cancelled": False}
    if len(edition_ids) >= BULK_COPY_FROM and session.get_bind().dialect.name == "postgresql":
        bulk_copy.copy_columns(session, Edition, rows)
    else:
        insert_columns(session, Edition, rows)
    return edition_ids


def enqueue_digests(session: Session, edition_ids: Sequence[int], now: datetime) -> None:
    """Queue the mails of editions inserted in this transaction, due now. They are new, so no duplicate is possible."""
    edition, subscriber = _EDITION.c, _SUBSCRIBER.c
    columns = {
        "kind": case((edition.papers > 0, DIGEST), else_=NOTICE),
        "subject_id": edition.id,
        "subscriber_id": edition.subscriber_id,
        "run_id": edition.run_id,
        "address": subscriber.address,
        "domain": func.lower(func.substr(subscriber.address, _at_sign_position(session, subscriber.address) + 1)),
        "priority": literal(PRIORITY_NORMAL),
        "state": literal(QUEUED),
        "due_at": literal(now, UTCDateTime()),
        "created_at": literal(now, UTCDateTime()),
    }
    deliveries = select(*columns.values()).join_from(_EDITION, _SUBSCRIBER, subscriber.id == edition.subscriber_id)
    of_editions = deliveries.where(in_values(session, edition.id, edition_ids)).order_by(edition.id)
    session.execute(insert(_DELIVERY).from_select(list(columns), of_editions))


def _at_sign_position(session: Session, column: ColumnElement[str]) -> ColumnElement[int]:
    """The position of the @ in an address; every stored address has exactly one."""
    return (func.instr if session.get_bind().dialect.name == "sqlite" else func.strpos)(column, "@")
