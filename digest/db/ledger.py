"""What readers were sent: read without making objects of millions of editions."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

from sqlalchemy import LargeBinary, select, type_coerce
from sqlmodel import Session

from digest.db.dialect import among
from digest.models import Edition

_PAPER = re.compile(rb'"paper":(\d+)')


def sent_since(session: Session, readers: Sequence[int], announcement: int) -> Iterator[tuple[int, list[int]]]:
    """(reader, papers) of each edition since that announcement that stands: the ledger behind 'nothing twice'.

    The contents are never made objects: only whole members of JSON have the form looked for.
    """
    edition = Edition.__table__.c  # type: ignore[attr-defined]
    statement = select(edition.subscriber_id, type_coerce(edition.content, LargeBinary)).where(
        among(session, edition.subscriber_id, readers),
        edition.announcement_id >= announcement,
        edition.cancelled.is_(False),
        edition.papers > 0,
    )
    for reader, content in session.execute(statement):
        yield reader, [*map(int, _PAPER.findall(zlib.decompress(content)))]
