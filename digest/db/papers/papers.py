"""Stored papers: looked up by identity, stored as immutable versions, read as records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import SQLColumnExpression, and_, func, literal, select, update
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_ignore
from digest.models import Announcement, Batch, Paper, PaperIdentifier, PaperKey, PaperVersion
from digest.papers import Record, clean_record, without_version
from digest.text.plain_text import remove_controls

_TUPLE_FIELDS = {field.name for field in fields(Record) if "tuple" in str(field.type)}
_DATE_FIELDS = tuple(field.name for field in fields(Record) if "date" in str(field.type))
_ROWS_PER_QUERY = 500
_KEYS_PER_QUERY = 4000
_COLUMN_FIELDS = ("title", "abstract")
_DEFAULTS = tuple((field.name, field.default) for field in fields(Record) if field.name not in _COLUMN_FIELDS)
_MAX_PAPERS_PER_KEY = 40  # a key of more papers is a common phrase and identifies none


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
    outlets: str
    language: str
    record: Record


def to_detail(record: Record) -> dict[str, Any]:
    """A record's fields except title and abstract, as JSON values without defaults."""
    values = {name: value for name, default in _DEFAULTS if (value := getattr(record, name)) != default}
    values |= {name: value.isoformat() for name in _DATE_FIELDS if (value := values.get(name))}
    return values


def record_to_json(record: Record) -> dict[str, Any]:
    """All fields of a record as JSON values without defaults."""
    return {"title": record.title, "abstract": record.abstract, **to_detail(record)}


def record_from_json(values: Mapping[str, Any]) -> Record:
    """The record of `record_to_json`."""
    detail = {name: value for name, value in values.items() if name not in {"title", "abstract"}}
    return _record(values.get("title", ""), values.get("abstract", ""), detail)


def to_record(version: PaperVersion) -> Record:
    """The record of a version."""
    return _record(version.title, version.abstract, version.detail)


def _record(title: str, abstract: str, values: Mapping[str, Any]) -> Record:
    detail: dict[str, Any] = {name: tuple(value) if name in _TUPLE_FIELDS else value for name, value in values.items()}
    detail |= {name: date.fromisoformat(detail[name]) for name in _DATE_FIELDS if name in detail}
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


def announcements_between(session: Session, first_day: date, last_day: date) -> list[int]:
    """Ids of the announcements of these days, both included, oldest first."""
    statement = select(col(Announcement.id)).where(col(Announcement.day).between(first_day, last_day))
    return [int(announcement) for announcement in session.execute(statement.order_by(col(Announcement.id))).scalars()]


def count_announced(session: Session, announcement_ids: Sequence[int]) -> int:
    """How many papers these announcements have."""
    statement = select(func.count()).select_from(Paper).where(col(Paper.announcement_id).in_(announcement_ids))
    return int(session.execute(statement).scalar_one())


def announced_paper_ids(session: Session, announcement_id: int) -> list[int]:
    """Ids of an announcement's papers, without withdrawn ones."""
    statement = select(col(Paper.id)).where(
        col(Paper.announcement_id) == announcement_id, col(Paper.withdrawn).is_(False)
    )
    return [int(paper_id) for paper_id in session.execute(statement).scalars() if paper_id is not None]


def announced_since(session: Session, day: date) -> list[int]:
    """Ids of the papers announced on that day or later, oldest first, without withdrawn ones."""
    statement = (
        select(col(Paper.id))
        .where(col(Paper.announcement_id) >= day.toordinal(), col(Paper.withdrawn).is_(False))
        .order_by(col(Paper.announcement_id), col(Paper.id))
    )
    return [int(paper_id) for paper_id in session.execute(statement).scalars()]


def newest_batch(session: Session) -> int:
    """The id of the last batch, 0 for none. While it is the same, no paper has changed."""
    return int(session.execute(select(func.coalesce(func.max(col(Batch.id)), 0))).scalar_one())


def announced_papers(
    session: Session, announcement_ids: Sequence[int]
) -> dict[int, list[tuple[int, int, int, bool, str, str, str]]]:
    """By announcement, of its papers in order of their ids: the values of `services.catalog.announcements`.

    Papers that were merged into others are left out.
    """
    columns = col(Paper.announcement_id), col(Paper.id), col(Paper.revision), col(Paper.batch_id), col(Paper.withdrawn)
    identifier = func.coalesce(col(Paper.arxiv_id), col(Paper.doi), "")
    papers_by_announcement: dict[int, list[tuple[int, int, int, bool, str, str, str]]] = {}
    for start in range(0, len(announcement_ids), _ROWS_PER_QUERY):
        in_batch = and_(
            col(Paper.announcement_id).in_(announcement_ids[start : start + _ROWS_PER_QUERY]),
            col(Paper.merged_into).is_(None),
        )
        for announcement_id, *row in session.execute(
            select(*columns, identifier, col(Paper.outlets), col(Paper.language))
            .where(in_batch)
            .order_by(col(Paper.id))
        ):
            papers_by_announcement.setdefault(announcement_id, []).append(tuple(row))
    return papers_by_announcement


def newest_batch_known_at(session: Session, instant: datetime) -> int:
    """The last batch before the first one that became known after that instant; 0 for none."""
    later = session.execute(select(func.min(col(Batch.id))).where(col(Batch.known_at) > instant)).scalar_one()
    if later is not None:
        return int(later) - 1
    return newest_batch(session)


def advance_batches(session: Session, now: datetime) -> int:
    """Let the batches that became known after that instant be known at it. Returns how many."""
    changed = session.connection().execute(update(Batch).where(col(Batch.known_at) > now).values(known_at=now))
    return int(changed.rowcount)


def find_by_identifiers(
    session: Session, arxiv_ids: Sequence[str], dois: Sequence[str]
) -> tuple[dict[str, int], dict[str, tuple[int, str | None]]]:
    """Ids of stored papers by arXiv id; and by DOI, also that of a preprint, each with the paper's arXiv id."""
    by_id = select(col(Paper.arxiv_id), col(Paper.id)).where(in_values(session, col(Paper.arxiv_id), arxiv_ids))
    by_doi = select(col(Paper.doi), col(Paper.id), col(Paper.arxiv_id)).where(in_values(session, col(Paper.doi), dois))
    ids_by_arxiv_id = {str(arxiv_id): int(paper_id) for arxiv_id, paper_id in session.execute(by_id)}
    ids_by_doi = (
        {str(doi): (int(paper_id), arxiv_id) for doi, paper_id, arxiv_id in session.execute(by_doi)} if dois else {}
    )
    further = {doi: doi_identifier(doi) for doi in dois if doi not in ids_by_doi}
    by_identifier = find_by_further_identifiers(session, further.values())
    ids_by_doi |= {doi: by_identifier[key] for doi, key in further.items() if key in by_identifier}
    return ids_by_arxiv_id, ids_by_doi


def doi_identifier(doi: str) -> str:
    """The `PaperIdentifier` of a DOI: in lower case, that of a preprint without its version."""
    return f"doi:{without_version(doi.lower())}"


def find_by_further_identifiers(session: Session, identifiers: Iterable[str]) -> dict[str, tuple[int, str | None]]:
    """Ids and arXiv ids of stored papers by `PaperIdentifier`."""
    values = sorted(set(identifiers))
    if not values:
        return {}
    identifier = col(PaperIdentifier.identifier)
    statement = select(identifier, col(PaperIdentifier.paper_id), col(Paper.arxiv_id)).join(
        Paper, col(Paper.id) == col(PaperIdentifier.paper_id)
    )
    rows = session.execute(statement.where(in_values(session, identifier, values)))
    return {str(value): (int(paper_id), arxiv_id) for value, paper_id, arxiv_id in rows}


def find_by_keys(session: Session, keys: Iterable[str]) -> dict[str, list[int]]:
    """Paper ids by `PaperKey`: candidates that are still to be compared.

    Keys of more than 40 papers are left out, because they identify none.
    """
    ids_by_key: dict[str, list[int]] = {}
    key_list = list(keys)
    for start in range(0, len(key_list), _KEYS_PER_QUERY):
        batch = key_list[start : start + _KEYS_PER_QUERY]
        statement = select(col(PaperKey.key), col(PaperKey.paper_id)).where(
            in_values(session, col(PaperKey.key), batch)
        )
        for key, paper_id in session.execute(statement):
            ids_by_key.setdefault(key, []).append(paper_id)
    return {key: paper_ids for key, paper_ids in ids_by_key.items() if len(paper_ids) <= _MAX_PAPERS_PER_KEY}


def stored_papers(session: Session, paper_ids: Iterable[int]) -> dict[int, StoredPaper]:
    """Papers by id with their newest records, read without table objects; not those that were merged into others."""
    ids = list(paper_ids)
    if not ids:
        return {}
    id_column, version = col(Paper.id), PaperVersion
    statement = (
        select(
            id_column,
            col(Paper.arxiv_id),
            col(Paper.doi),
            col(Paper.announcement_id),
            col(Paper.batch_id),
            col(Paper.announce_type),
            col(Paper.revision),
            col(Paper.outlets),
            col(Paper.language),
            col(version.title),
            col(version.abstract),
            col(version.detail),
        )
        .join(version, (col(version.paper_id) == id_column) & (col(version.revision) == col(Paper.revision)))
        .where(in_values(session, id_column, ids), col(Paper.merged_into).is_(None))
    )
    rows = session.execute(statement)
    return {row.id: _stored_paper(row) for row in rows}


def _stored_paper(row: Any) -> StoredPaper:
    return StoredPaper(
        id=row.id,
        arxiv_id=row.arxiv_id,
        doi=row.doi,
        announcement_id=row.announcement_id,
        batch_id=row.batch_id,
        announce_type=row.announce_type,
        revision=row.revision,
        outlets=row.outlets,
        language=row.language,
        record=_record(row.title, row.abstract, row.detail),
    )


def newest_versions(session: Session, paper_ids: Iterable[int]) -> dict[int, tuple[Paper, Record]]:
    """Papers by id, each with its newest record."""
    statement = (
        select(Paper, PaperVersion)
        .join(
            PaperVersion,
            (col(PaperVersion.paper_id) == col(Paper.id)) & (col(PaperVersion.revision) == col(Paper.revision)),
        )
        .where(col(Paper.id).in_(list(paper_ids)))
    )
    return {paper.id: (paper, to_record(version)) for paper, version in session.execute(statement) if paper.id}


def newest_versions_chunked(session: Session, paper_ids: Sequence[int]) -> list[tuple[Paper, Record]]:
    """`newest_versions` of any number of papers, in the order of the ids."""
    papers_by_id: dict[int, tuple[Paper, Record]] = {}
    for start in range(0, len(paper_ids), _ROWS_PER_QUERY):
        papers_by_id |= newest_versions(session, paper_ids[start : start + _ROWS_PER_QUERY])
    return [papers_by_id[paper_id] for paper_id in paper_ids if paper_id in papers_by_id]


def versions(session: Session, paper_revisions: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Record]:
    """Records by (paper, revision)."""
    return _versions(session, paper_revisions, col(PaperVersion.abstract))


def versions_without_abstracts(
    session: Session, paper_revisions: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], Record]:
    """As `versions` with empty abstracts, which are most of what is read."""
    return _versions(session, paper_revisions, literal(""))


def titles(
    session: Session, paper_revisions: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], tuple[str, str | None]]:
    """Title and arXiv id by (paper, revision)."""
    arxiv_id = col(PaperVersion.detail)["arxiv_id"].as_string()
    rows = _read_versions(session, paper_revisions, col(PaperVersion.title), arxiv_id)
    return {version: (remove_controls(title), arxiv_id) for version, (title, arxiv_id) in rows}


def _versions(
    session: Session, paper_revisions: Iterable[tuple[int, int]], abstract: SQLColumnExpression[str]
) -> dict[tuple[int, int], Record]:
    rows = _read_versions(session, paper_revisions, col(PaperVersion.title), abstract, col(PaperVersion.detail))
    return {version: _record(*values) for version, values in rows}


def _read_versions(
    session: Session, paper_revisions: Iterable[tuple[int, int]], *columns: SQLColumnExpression[Any]
) -> Iterator[tuple[tuple[int, int], Sequence[Any]]]:
    """These columns of versions, each with its (paper, revision)."""
    pairs = set(paper_revisions)
    if not pairs:
        return
    version, paper_ids = PaperVersion, sorted({paper_id for paper_id, _ in pairs})
    statement = select(col(version.paper_id), col(version.revision), *columns)
    for paper_id, revision, *values in session.execute(
        statement.where(in_values(session, col(version.paper_id), paper_ids))
    ):
        if (paper_id, revision) in pairs:
            yield (paper_id, revision), values


def current_paper(session: Session, paper_id: int) -> int:
    """The paper that this one was merged into, or itself."""
    survivor = session.execute(select(col(Paper.merged_into)).where(col(Paper.id) == paper_id)).scalar_one_or_none()
    return paper_id if survivor is None else int(survivor)


def later_withdrawn(session: Session, paper_ids: Collection[int]) -> dict[int, Record]:
    """Of these papers those that are withdrawn or retracted now, with the newest record; also by their versions."""
    id_column, survivor = col(Paper.id), func.coalesce(col(Paper.merged_into), col(Paper.id))
    statement = select(id_column, survivor).where(in_values(session, id_column, sorted(paper_ids)))
    survivors = {
        int(paper): int(survivor_id) for paper, survivor_id in session.execute(statement.where(col(Paper.withdrawn)))
    }
    newest = newest_versions(session, set(survivors.values())) if survivors else {}
    return {
        paper: newest[survivor_id][1]
        for paper, survivor_id in survivors.items()
        if survivor_id in newest and newest[survivor_id][1].withdrawn
    }


def paper_by_id(session: Session, paper_id: int) -> tuple[Paper, Record] | None:
    """One paper with its newest record."""
    return newest_versions(session, [paper_id]).get(paper_id)


def by_arxiv_id(session: Session, arxiv_id: str) -> int | None:
    """The id of the paper with that arXiv id."""
    return session.execute(select(col(Paper.id)).where(col(Paper.arxiv_id) == arxiv_id)).scalar_one_or_none()


def by_author(session: Session, keys: Collection[str], limit: int) -> list[tuple[Paper, Record]]:
    """The last `limit` stored papers with one of these author keys, in no order."""
    rows = newest_versions_chunked(session, paper_ids_by_author(session, keys, limit))
    return [(paper, record) for paper, record in rows if paper.merged_into is None]


def author_keys_since(session: Session, keys: Collection[str], paper_id: int) -> set[str]:
    """Those of these author keys that a paper has, from the paper with that id on."""
    statement = select(col(PaperKey.key)).where(
        in_values(session, col(PaperKey.key), sorted(keys)), col(PaperKey.paper_id) >= paper_id
    )
    return set(session.execute(statement.distinct()).scalars())


def paper_ids_by_author(session: Session, keys: Collection[str], limit: int) -> list[int]:
    """The ids of the last `limit` stored papers with one of these author keys, newest first."""
    statement = (
        select(col(PaperKey.paper_id))
        .where(col(PaperKey.key).in_(keys))
        .distinct()
        .order_by(col(PaperKey.paper_id).desc())
        .limit(limit)
    )
    return list(session.execute(statement).scalars())
