"""Fills the search index: the papers that it lacks, their rows and their terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_rows, lock_name
from digest.db.papers.papers import to_record
from digest.models import Batch, Paper, PaperVersion, SearchDocument
from digest.models.search import TERMS_TABLE
from digest.papers import Record


@dataclass(frozen=True, slots=True)
class UnindexedPaper:
    """A paper with its newest version. `announcement_id` is that of its batch where it was never announced."""

    version_id: int
    paper_id: int
    announcement_id: int | None
    record: Record
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexedPaper:
    """A paper as it is stored in the index."""

    version_id: int
    paper_id: int
    day: int
    length: int
    facets: str
    terms: frozenset[str]


class IndexedVersions(NamedTuple):
    """The first and the last id of the index, which has all newest versions between; 0 and 0 of an empty one."""

    first_id: int
    last_id: int


def indexed_versions(session: Session) -> IndexedVersions:
    """The versions that are indexed. What is added to the index changes them."""
    document = col(SearchDocument.id)  # a look-up for each: for both at once SQLite would read the whole table
    first, last = (select(end(document)).scalar_subquery() for end in (func.min, func.max))
    first_id, last_id = session.execute(select(first, last)).one()
    return IndexedVersions(first_id or 0, last_id or 0)


def unindexed_papers(session: Session, limit: int) -> list[UnindexedPaper]:
    """Papers that the index lacks: first those newer than its newest version, then older ones, newest first."""
    first_id, last_id = indexed_versions(session)
    version_id = col(PaperVersion.id)
    older = _newest_versions(*([version_id < first_id] if first_id else [])).order_by(version_id.desc())
    statements = [older] if not last_id else [_newest_versions(version_id > last_id).order_by(version_id), older]
    rows: list[tuple[PaperVersion, int | None]] = []
    for statement in statements:
        if len(rows) < limit:
            versions = session.execute(statement.limit(limit - len(rows)))
            rows += [(version, announced) for version, announced in versions]
    sources_by_paper = _sources(session, [version.paper_id for version, _ in rows])
    return [
        UnindexedPaper(
            version.id or 0, version.paper_id, announced, to_record(version), sources_by_paper[version.paper_id]
        )
        for version, announced in rows
    ]


def _newest_versions(*conditions: ColumnElement[bool]) -> Any:
    """The newest versions of papers that were not withdrawn, with their announcements."""
    announced = func.coalesce(col(Paper.announcement_id), col(Batch.announcement_id))
    return (
        select(PaperVersion, announced)
        .join(
            Paper, (col(Paper.id) == col(PaperVersion.paper_id)) & (col(Paper.revision) == col(PaperVersion.revision))
        )
        .outerjoin(Batch, col(Batch.id) == col(PaperVersion.batch_id))
        .where(col(Paper.withdrawn).is_(False), *conditions)
    )


def _sources(session: Session, paper_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The sources of each paper's versions."""
    if not paper_ids:  # as each search of a complete index asks
        return {}
    statement = (
        select(col(PaperVersion.paper_id), col(Batch.source))
        .join(Batch, col(Batch.id) == col(PaperVersion.batch_id))
        .where(in_values(session, col(PaperVersion.paper_id), paper_ids))
        .distinct()
    )
    sources: dict[int, set[str]] = {paper_id: set() for paper_id in paper_ids}
    for paper_id, source in session.execute(statement):
        sources[paper_id].add(source)
    return {paper_id: tuple(sorted(names)) for paper_id, names in sources.items()}


def is_complete(session: Session) -> bool:
    """True where the index lacks no paper."""
    return not unindexed_papers(session, 1)


def stored_rules(session: Session) -> int | None:
    """The rules by which the newest paper of the index was indexed, None of an empty one."""
    statement = select(col(SearchDocument.rules)).order_by(col(SearchDocument.id).desc()).limit(1)
    return session.execute(statement).scalar_one_or_none()


def lock_index(session: Session) -> None:
    """Let one process at a time write to the index."""
    lock_name(session, "search-index")


def clear(session: Session) -> None:
    """Remove everything from the index."""
    session.execute(delete(SearchDocument))
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text(f"INSERT INTO {TERMS_TABLE}({TERMS_TABLE}) VALUES ('delete-all')"))  # noqa: S608 - a name of ours


def finish_index(session: Session) -> None:
    """Sort what was added last into PostgreSQL's index, which else would search it one by one."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT gin_clean_pending_list('ix_{TERMS_TABLE}')"))


def remove_withdrawn(session: Session) -> None:
    """Remove papers that were withdrawn since."""
    withdrawn = select(col(Paper.id)).where(col(Paper.withdrawn).is_(True))
    session.execute(delete(SearchDocument).where(col(SearchDocument.paper_id).in_(withdrawn)))


def store(session: Session, papers: Iterable[IndexedPaper], rules: int) -> int:
    """Store papers in place of their earlier versions, without those that are in the index. Returns their number."""
    by_version = {paper.version_id: paper for paper in papers}
    ids = list(by_version)
    stored_ids = session.execute(
        select(col(SearchDocument.id)).where(in_values(session, col(SearchDocument.id), ids))
    ).scalars()
    missing = [by_version[version_id] for version_id in sorted(set(ids) - set(stored_ids))]
    if not missing:
        return 0
    paper_ids = [paper.paper_id for paper in missing]
    session.execute(delete(SearchDocument).where(in_values(session, col(SearchDocument.paper_id), paper_ids)))
    insert_rows(
        session,
        SearchDocument,
        [
            {
                "id": paper.version_id,
                "paper_id": paper.paper_id,
                "day": paper.day,
                "length": paper.length,
                "rules": rules,
                "facets": paper.facets,
            }
            for paper in missing
        ],
    )
    _insert_terms(session, [(paper.version_id, " ".join(sorted(paper.terms))) for paper in missing])
    return len(missing)


def _insert_terms(session: Session, rows: list[tuple[int, str]]) -> None:
    """Store the terms, joined by blanks, under their ids."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        statement = f"INSERT INTO {TERMS_TABLE} VALUES (%s, array_to_tsvector(string_to_array(%s, ' ')))"  # noqa: S608
    else:
        statement = f"INSERT INTO {TERMS_TABLE}(rowid, terms) VALUES (?, ?)"  # noqa: S608 - names of ours
    connection.exec_driver_sql(statement, rows)
