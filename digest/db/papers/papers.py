"""Stored papers: looked up by identity, stored as immutable versions, read as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_ignore
from digest.models import Announcement, Batch, Paper, PaperKey, PaperVersion
from digest.papers import Record, clean_record

_TUPLES = {field.name for field in fields(Record) if "tuple" in str(field.type)}
_CHUNK = 500
_KEYS = 4000
_APART = ("title", "abstract")
_DEFAULTS = tuple((field.name, field.default) for field in fields(Record) if field.name not in _APART)
_MOST_ALIKE = 40  # a key of more papers is a common phrase and identifies none


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """A paper as stored, with its newest record."""

    id: int
    arxiv_id: str | None
    doi: str | None
    announcement_id: int | None
    batch_id: int
    announce_type: str | None
    revision: int
    record: Record


def to_detail(record: Record) -> dict[str, Any]:
    """A record's fields except title and abstract, as JSON values without defaults."""
    values = {name: value for name, default in _DEFAULTS if (value := getattr(record, name)) != default}
    if record.published:
        values["published"] = record.published.isoformat()
    return values


def to_record(version: PaperVersion) -> Record:
    """The record of a version."""
    return _record(version.title, version.abstract, version.detail)


def _record(title: str, abstract: str, values: Mapping[str, Any]) -> Record:
    detail: dict[str, Any] = {k: tuple(v) if k in _TUPLES else v for k, v in values.items()}
    if "published" in detail:
        detail["published"] = date.fromisoformat(detail["published"])
    return clean_record(Record(title=title, abstract=abstract, **detail))  # old rows were not cleaned on import


def announcement_for(session: Session, day: date) -> int:
    """The id of the announcement of that day, created where it is missing."""
    insert_ignore(session, Announcement, [{"id": day.toordinal(), "day": day}])
    return day.toordinal()


def current_announcement(session: Session, day: date) -> int | None:
    """The id of the newest stored announcement not after `day`, None for none."""
    statement = select(func.max(col(Announcement.id))).where(col(Announcement.day) <= day)
    newest_id: int | None = session.execute(statement).scalar_one()
    return newest_id


def announcement_window(session: Session, announcement: int, size: int) -> list[int]:
    """Ids of the last `size` announcements up to this one, newest first."""
    statement = (
        select(col(Announcement.id))
        .where(col(Announcement.id) <= announcement)
        .order_by(col(Announcement.id).desc())
        .limit(size)
    )
    return list(session.execute(statement).scalars())


def count_announced(session: Session, numbers: Sequence[int]) -> int:
    """How many papers these announcements have."""
    statement = select(func.count()).select_from(Paper).where(col(Paper.announcement_id).in_(numbers))
    return int(session.execute(statement).scalar_one())


def announced_paper_ids(session: Session, announcement_id: int) -> list[int]:
    """Ids of an announcement's papers, without withdrawn ones."""
    statement = select(col(Paper.id)).where(
        col(Paper.announcement_id) == announcement_id, col(Paper.withdrawn).is_(False)
    )
    return [int(paper_id) for paper_id in session.execute(statement).scalars() if paper_id is not None]


def newest_batch(session: Session) -> int:
    """The id of the last batch, 0 for none. While it is the same, no paper has changed."""
    return int(session.execute(select(func.coalesce(func.max(col(Batch.id)), 0))).scalar_one())


def announced_papers(session: Session, numbers: Sequence[int]) -> dict[int, list[tuple[int, int, int, bool, str]]]:
    """By announcement: id, newest revision, batch, withdrawn flag and identifier of its papers, ordered by id."""
    columns = col(Paper.announcement_id), col(Paper.id), col(Paper.revision), col(Paper.batch_id), col(Paper.withdrawn)
    name = func.coalesce(col(Paper.arxiv_id), col(Paper.doi), "")
    found: dict[int, list[tuple[int, int, int, bool, str]]] = {}
    for start in range(0, len(numbers), _CHUNK):
        chosen = col(Paper.announcement_id).in_(numbers[start : start + _CHUNK])
        for number, *row in session.execute(select(*columns, name).where(chosen).order_by(col(Paper.id))):
            found.setdefault(number, []).append(tuple(row))
    return found


def newest_batch_known_at(session: Session, instant: datetime) -> int:
    """The last batch before the first one that became known after that instant; 0 for none."""
    later = session.execute(select(func.min(col(Batch.id))).where(col(Batch.known_at) > instant)).scalar_one()
    if later is not None:
        return int(later) - 1
    return newest_batch(session)


def find_by_identifiers(
    session: Session, arxiv_ids: Sequence[str], dois: Sequence[str]
) -> tuple[dict[str, int], dict[str, tuple[int, str | None]]]:
    """Ids of stored papers by arXiv id; and by DOI, each with the paper's arXiv id."""
    by_id = select(col(Paper.arxiv_id), col(Paper.id)).where(in_values(session, col(Paper.arxiv_id), arxiv_ids))
    by_doi = select(col(Paper.doi), col(Paper.id), col(Paper.arxiv_id)).where(in_values(session, col(Paper.doi), dois))
    numbers = {str(arxiv_id): int(paper_id) for arxiv_id, paper_id in session.execute(by_id)}
    others = (
        {str(doi): (int(paper_id), arxiv_id) for doi, paper_id, arxiv_id in session.execute(by_doi)} if dois else {}
    )
    return numbers, others


def find_by_keys(session: Session, keys: Iterable[str]) -> dict[str, list[int]]:
    """Paper ids by `PaperKey`: candidates that are still to be compared.

    Keys of more than 40 papers are left out, because they identify none.
    """
    found: dict[str, list[int]] = {}
    wanted = list(keys)
    for start in range(0, len(wanted), _KEYS):
        part = wanted[start : start + _KEYS]
        statement = select(col(PaperKey.key), col(PaperKey.paper_id)).where(in_values(session, col(PaperKey.key), part))
        for key, number in session.execute(statement):
            found.setdefault(key, []).append(number)
    return {key: numbers for key, numbers in found.items() if len(numbers) <= _MOST_ALIKE}


def stored_papers(session: Session, numbers: Iterable[int]) -> dict[int, StoredPaper]:
    """Papers by id with their newest records, read without table objects."""
    wanted = list(numbers)
    if not wanted:
        return {}
    p, v = col(Paper.id), PaperVersion
    statement = (
        select(
            p,
            col(Paper.arxiv_id),
            col(Paper.doi),
            col(Paper.announcement_id),
            col(Paper.batch_id),
            col(Paper.announce_type),
            col(Paper.revision),
            col(v.title),
            col(v.abstract),
            col(v.detail),
        )
        .join(v, (col(v.paper_id) == p) & (col(v.revision) == col(Paper.revision)))
        .where(in_values(session, p, wanted))
    )
    rows = session.execute(statement)
    return {
        number: StoredPaper(number, arxiv_id, doi, day, batch, kind, revision, _record(title, abstract, detail))
        for number, arxiv_id, doi, day, batch, kind, revision, title, abstract, detail in rows
    }


def newest_versions(session: Session, numbers: Iterable[int]) -> dict[int, tuple[Paper, Record]]:
    """Papers by id, each with its newest record."""
    statement = (
        select(Paper, PaperVersion)
        .join(
            PaperVersion,
            (col(PaperVersion.paper_id) == col(Paper.id)) & (col(PaperVersion.revision) == col(Paper.revision)),
        )
        .where(col(Paper.id).in_(list(numbers)))
    )
    return {paper.id: (paper, to_record(version)) for paper, version in session.execute(statement) if paper.id}


def newest_versions_chunked(session: Session, numbers: Sequence[int]) -> list[tuple[Paper, Record]]:
    """`newest_versions` of any number of papers, in the order of the ids."""
    found: dict[int, tuple[Paper, Record]] = {}
    for start in range(0, len(numbers), _CHUNK):
        found |= newest_versions(session, numbers[start : start + _CHUNK])
    return [found[number] for number in numbers if number in found]


def versions(session: Session, paper_revisions: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Record]:
    """Records by (paper, revision)."""
    pairs = set(paper_revisions)
    v, numbers = PaperVersion, sorted({number for number, _ in pairs})
    statement = select(col(v.paper_id), col(v.revision), col(v.title), col(v.abstract), col(v.detail))
    found = session.execute(statement.where(in_values(session, col(v.paper_id), numbers))) if pairs else ()
    return {(n, revision): _record(*rest) for n, revision, *rest in found if (n, revision) in pairs}


def paper_by_id(session: Session, number: int) -> tuple[Paper, Record] | None:
    """One paper with its newest record."""
    return newest_versions(session, [number]).get(number)


def by_arxiv_id(session: Session, arxiv_id: str) -> int | None:
    """The id of the paper with that arXiv id."""
    return session.execute(select(col(Paper.id)).where(col(Paper.arxiv_id) == arxiv_id)).scalar_one_or_none()


def by_author(session: Session, key: str, limit: int = 200) -> list[tuple[Paper, Record]]:
    """Papers with this author key, newest first."""
    statement = (
        select(col(PaperKey.paper_id))
        .where(col(PaperKey.key) == key)
        .order_by(col(PaperKey.paper_id).desc())
        .limit(limit)
    )
    numbers = list(session.execute(statement).scalars())
    found = newest_versions(session, numbers)
    return [found[number] for number in numbers if number in found]
