"""The papers that subscribers were sent, read by columns, without objects for millions of editions.

A paper counts as sent where any paper that was merged into it was sent, such as the preprint of an article.
"""

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
from sqlmodel import Session, SQLModel, col

from digest.db.core.column_reads import read_column
from digest.db.core.dialect import in_values
from digest.models import Paper

_PAPER_MEMBER = re.compile(rb'"paper":(\d+)')
_EDITION = SQLModel.metadata.tables["edition"].c
_TIME_ZONE_MARGIN = timedelta(days=2)  # a subscriber's local date may be behind that of the announcement


def papers_sent_since(
    session: Session, subscriber_ids: Sequence[int], announcement: int, *, before: int | None = None
) -> Mapping[int, array[int]]:
    """The papers of each subscriber's editions since that announcement, without cancelled ones: none is sent twice.

    `before`: only editions with a smaller id, as they stood when that edition was assembled.
    """
    is_recent = and_(
        in_values(session, _EDITION.subscriber_id, subscriber_ids),
        _EDITION.day >= date.fromordinal(announcement) - _TIME_ZONE_MARGIN,  # uses the index
        _EDITION.announcement_id >= announcement,
        _EDITION.cancelled.is_(False),
        _EDITION.papers > 0,
        *(() if before is None else (_EDITION.id < before,)),
    )
    has_paper_list = _EDITION.shown.is_not(None)
    id_and_length = [read_column(session, column) for column in (_EDITION.subscriber_id, func.length(_EDITION.shown))]
    columns = [column.filter(has_paper_list) for column in (*id_and_length, _concatenate(session, _EDITION.shown))]
    *paper_lists, others_count = session.execute(
        select(*columns, func.count().filter(~has_paper_list)).where(is_recent)
    ).one()
    papers_by_subscriber: dict[int, array[int]] = {}
    for subscriber_id, papers in _split_paper_lists(*paper_lists):
        papers_by_subscriber[subscriber_id] = (
            papers_by_subscriber[subscriber_id] + papers if subscriber_id in papers_by_subscriber else papers
        )
    if others_count:
        for subscriber_id, content_papers in _papers_from_content(session, is_recent):
            papers_by_subscriber.setdefault(subscriber_id, array("i")).extend(content_papers)
    _add_survivors(session, papers_by_subscriber)
    return papers_by_subscriber


def _add_survivors(session: Session, papers_by_subscriber: Mapping[int, array[int]]) -> None:
    """Add to each list the papers that its papers were merged into, because they are the same to a subscriber."""
    merged = col(Paper.merged_into)
    rows = session.execute(select(col(Paper.id), merged).where(merged.is_not(None)))
    survivors: dict[int, int] = {int(paper_id or 0): int(survivor or 0) for paper_id, survivor in rows}
    if not survivors:
        return
    for papers in papers_by_subscriber.values():
        if not survivors.keys().isdisjoint(papers):
            papers.extend([survivors[paper] for paper in papers if paper in survivors])


def _concatenate(session: Session, column: ColumnElement[Any]) -> FunctionElement[Any]:
    """All values of a column of bytes joined: as bytes on PostgreSQL, in hexadecimal on SQLite."""
    if session.get_bind().dialect.name == "postgresql":
        return func.string_agg(column, literal(b"", LargeBinary()))
    return func.group_concat(func.hex(column), "")


def _split_paper_lists(subscriber_ids: Any, sizes: Any, joined: Any) -> Iterator[tuple[int, array[int]]]:
    """Subscriber and papers of each edition, from the joined lists of paper ids (four bytes each, little-endian)."""
    if not subscriber_ids:
        return
    papers, position = array("i", bytes.fromhex(joined) if isinstance(joined, str) else bytes(joined)), 0
    if sys.byteorder == "big":
        papers.byteswap()
    for subscriber_id, size in zip(subscriber_ids, sizes, strict=True):
        yield subscriber_id, papers[position : position + size // 4]
        position += size // 4


def _papers_from_content(session: Session, is_recent: ColumnElement[bool]) -> Iterable[tuple[int, list[int]]]:
    """Subscriber and papers of each edition from before the column `shown`, whose papers are only in its content.

    The JSON is searched, not parsed: the pattern matches only whole members.
    """
    content = type_coerce(_EDITION.content, LargeBinary)
    statement = select(_EDITION.subscriber_id, content).where(is_recent, _EDITION.shown.is_(None))
    for subscriber_id, compressed in session.execute(statement):
        yield subscriber_id, [*map(int, _PAPER_MEMBER.findall(zlib.decompress(compressed)))]
