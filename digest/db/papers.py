"""Papers as stored: looked up by identity, kept as immutable versions, read back as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, or_, select, text, tuple_
from sqlmodel import Session, col

from digest.db.dialect import insert_ignore
from digest.models import Announcement, Batch, Paper, PaperKey, PaperVersion, Reject, Signal
from digest.papers import Bad, Record

_TUPLES = {field.name for field in fields(Record) if "tuple" in str(field.type)}
_CHUNK = 500
_APART = ("title", "abstract")


def to_detail(record: Record) -> dict[str, Any]:
    """A record's fields beside title and abstract, as JSON values; defaults are left out."""
    empty = asdict(Record(title=""))
    values = {k: v for k, v in asdict(record).items() if k not in _APART and v != empty[k]}
    if record.published:
        values["published"] = record.published.isoformat()
    return values


def to_record(version: PaperVersion) -> Record:
    """The record that a version holds."""
    detail: dict[str, Any] = {k: tuple(v) if k in _TUPLES else v for k, v in version.detail.items()}
    if "published" in detail:
        detail["published"] = date.fromisoformat(detail["published"])
    return Record(title=version.title, abstract=version.abstract, **detail)


def lock_batches(session: Session) -> None:
    """One ingest at a time commits, so batch numbers are in the order of their commits (SQLite: BEGIN IMMEDIATE)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE batch IN EXCLUSIVE MODE"))


def announcement_for(session: Session, day: date) -> int:
    """The number of that mailing day, made if it is unknown."""
    insert_ignore(session, Announcement, [{"id": day.toordinal(), "day": day}])
    return day.toordinal()


def current_announcement(session: Session, day: date) -> int | None:
    """The newest mailing day known, not after `day`."""
    statement = select(func.max(col(Announcement.id))).where(col(Announcement.day) <= day)
    newest_id: int | None = session.execute(statement).scalar_one()
    return newest_id


def window(session: Session, announcement: int, size: int) -> list[int]:
    """Numbers of the last `size` announcements up to this one, newest first."""
    statement = (
        select(col(Announcement.id))
        .where(col(Announcement.id) <= announcement)
        .order_by(col(Announcement.id).desc())
        .limit(size)
    )
    return list(session.execute(statement).scalars())


def known_through(session: Session, instant: datetime) -> int:
    """The last batch up to which everything was known at that instant; 0 for none."""
    later = session.execute(select(func.min(col(Batch.id))).where(col(Batch.known_at) > instant)).scalar_one()
    if later is not None:
        return int(later) - 1
    return int(session.execute(select(func.coalesce(func.max(col(Batch.id)), 0))).scalar_one())


def find_by_identifiers(session: Session, records: Sequence[Record]) -> dict[str, int]:
    """Paper numbers by arXiv id and by DOI (prefixed `doi:`), for those known."""
    ids = [r.arxiv_id for r in records if r.arxiv_id]
    dois = [r.doi for r in records if r.doi]
    statement = select(col(Paper.arxiv_id), col(Paper.doi), col(Paper.id)).where(
        or_(col(Paper.arxiv_id).in_(ids), col(Paper.doi).in_(dois))
    )
    found: dict[str, int] = {}
    for arxiv_id, doi, number in session.execute(statement):
        if arxiv_id:
            found[arxiv_id] = number
        if doi:
            found[f"doi:{doi}"] = number
    return found


def find_by_keys(session: Session, keys: Iterable[str]) -> dict[str, list[int]]:
    """Paper numbers by `PaperKey`, for those known: candidates, still to be compared."""
    statement = select(col(PaperKey.key), col(PaperKey.paper_id)).where(col(PaperKey.key).in_(list(keys)))
    found: dict[str, list[int]] = {}
    for key, number in session.execute(statement):
        found.setdefault(key, []).append(number)
    return found


def newest(session: Session, numbers: Iterable[int]) -> dict[int, tuple[Paper, Record]]:
    """Papers by number, each with its newest record."""
    statement = (
        select(Paper, PaperVersion)
        .join(
            PaperVersion,
            (col(PaperVersion.paper_id) == col(Paper.id)) & (col(PaperVersion.revision) == col(Paper.revision)),
        )
        .where(col(Paper.id).in_(list(numbers)))
    )
    return {paper.id: (paper, to_record(version)) for paper, version in session.execute(statement) if paper.id}


def newest_many(session: Session, numbers: Sequence[int]) -> list[tuple[Paper, Record]]:
    """Like `newest` for any number of papers, in the order of the numbers."""
    found: dict[int, tuple[Paper, Record]] = {}
    for start in range(0, len(numbers), _CHUNK):
        found |= newest(session, numbers[start : start + _CHUNK])
    return [found[number] for number in numbers if number in found]


def versions(session: Session, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Record]:
    """Records by (paper, revision)."""
    pairs = list(wanted)
    statement = select(PaperVersion).where(tuple_(col(PaperVersion.paper_id), col(PaperVersion.revision)).in_(pairs))
    return {(v.paper_id, v.revision): to_record(v) for v in session.execute(statement).scalars()}


def paper(session: Session, number: int) -> tuple[Paper, Record] | None:
    """One paper with its newest record."""
    return newest(session, [number]).get(number)


def by_arxiv_id(session: Session, arxiv_id: str) -> int | None:
    """The number of the paper with that arXiv id."""
    return session.execute(select(col(Paper.id)).where(col(Paper.arxiv_id) == arxiv_id)).scalar_one_or_none()


def by_author(session: Session, key: str, limit: int = 200) -> list[tuple[Paper, Record]]:
    """Papers kept under this author key, newest first."""
    statement = (
        select(col(PaperKey.paper_id))
        .where(col(PaperKey.key) == key)
        .order_by(col(PaperKey.paper_id).desc())
        .limit(limit)
    )
    numbers = list(session.execute(statement).scalars())
    found = newest(session, numbers)
    return [found[number] for number in numbers if number in found]


def insert_papers(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Store new papers; returns their numbers in order."""
    if not rows:
        return []
    statement = insert(Paper).returning(col(Paper.id), sort_by_parameter_order=True)
    return [int(number) for number in session.execute(statement, list(rows)).scalars()]


def insert_versions(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store versions; they never change."""
    if rows:
        session.execute(insert(PaperVersion), list(rows))


def insert_keys(session: Session, pairs: Iterable[tuple[str, int]]) -> None:
    """Store lookup keys, skipping those known."""
    insert_ignore(session, PaperKey, [{"key": key, "paper_id": number} for key, number in dict.fromkeys(pairs)])


def insert_signals(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store snapshots, skipping those known."""
    insert_ignore(session, Signal, rows)


def insert_rejects(session: Session, batch_id: int, document: str, bad: Iterable[Bad]) -> None:
    """Keep what could not be used, with its reason."""
    for item in bad:
        session.add(
            Reject(
                batch_id=batch_id,
                document=document[:200],
                position=item.position,
                reason=item.reason[:300],
                excerpt=item.excerpt[:300],
            )
        )
