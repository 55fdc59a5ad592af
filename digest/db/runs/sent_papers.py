"""What readers were sent: read by columns, without making objects of millions of editions."""

from __future__ import annotations

import re
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, and_, func, literal, select, type_coerce
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session, SQLModel

from digest.db.core.column_reads import read_column
from digest.db.core.dialect import in_values

_PAPER = re.compile(rb'"paper":(\d+)')
_EDITION = SQLModel.metadata.tables["edition"].c
_ZONES = timedelta(days=2)  # a reader's date may be behind that of the announcement


def papers_sent_since(
    session: Session, readers: Sequence[int], announcement: int, *, before: int | None = None
) -> Mapping[int, array[int]]:
    """The papers of each reader's editions since that announcement that stand: the ledger behind 'nothing twice'.

    `before`: only editions with a smaller id, as they stood when that edition was assembled.
    """
    chosen = and_(
        in_values(session, _EDITION.subscriber_id, readers),
        _EDITION.day >= date.fromordinal(announcement) - _ZONES,  # so that the index says which
        _EDITION.announcement_id >= announcement,
        _EDITION.cancelled.is_(False),
        _EDITION.papers > 0,
        *(() if before is None else (_EDITION.id < before,)),
    )
    told = _EDITION.shown.is_not(None)
    numbers = [read_column(session, one) for one in (_EDITION.subscriber_id, func.length(_EDITION.shown))]
    columns = [one.filter(told) for one in (*numbers, _joined(session, _EDITION.shown))]
    *written, others = session.execute(select(*columns, func.count().filter(~told)).where(chosen)).one()
    found: dict[int, array[int]] = {}
    for reader, papers in _parts(*written):
        found[reader] = found[reader] + papers if reader in found else papers
    if others:
        for reader, some in _unpacked(session, chosen):
            found.setdefault(reader, array("i")).extend(some)
    return found


def _joined(session: Session, column: ColumnElement[Any]) -> FunctionElement[Any]:
    """All values of a column of bytes in one, in hexadecimal where the database can't otherwise."""
    if session.get_bind().dialect.name == "postgresql":
        return func.string_agg(column, literal(b"", LargeBinary()))
    return func.group_concat(func.hex(column), "")


def _parts(readers: Any, sizes: Any, joined: Any) -> Iterator[tuple[int, array[int]]]:
    """Reader and papers of each edition."""
    if not readers:
        return
    papers, at = array("i", bytes.fromhex(joined) if isinstance(joined, str) else bytes(joined)), 0
    if sys.byteorder == "big":
        papers.byteswap()
    for reader, size in zip(readers, sizes, strict=True):
        yield reader, papers[at : at + size // 4]
        at += size // 4


def _unpacked(session: Session, chosen: ColumnElement[bool]) -> Iterable[tuple[int, list[int]]]:
    """Reader and papers of each edition that tells its papers by its content alone.

    The contents are never made objects: only whole members of JSON have the form looked for.
    """
    content = type_coerce(_EDITION.content, LargeBinary)
    statement = select(_EDITION.subscriber_id, content).where(chosen, _EDITION.shown.is_(None))
    for reader, packed in session.execute(statement):
        yield reader, [*map(int, _PAPER.findall(zlib.decompress(packed)))]
