"""Sources' ids of papers' authors: stored with their papers, read to tell people of one name apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_ignore
from digest.models import PaperAuthorId


class StoredAuthorId(NamedTuple):
    """A source's id of an author of a paper."""

    scheme: str
    value: str
    name: str
    institution: str


def insert_author_ids(session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Store ids, skipping those that the papers have already. Returns how many are new."""
    return insert_ignore(session, PaperAuthorId, rows) if rows else 0


def author_ids_of(session: Session, paper_ids: Iterable[int]) -> dict[int, list[StoredAuthorId]]:
    """The ids of each paper that has any, in a fixed order."""
    table = PaperAuthorId
    columns = (col(table.scheme), col(table.value), col(table.name), col(table.institution))
    statement = select(col(table.paper_id), *columns).where(in_values(session, col(table.paper_id), list(paper_ids)))
    ids_by_paper: dict[int, list[StoredAuthorId]] = {}
    for paper_id, *values in session.execute(statement.order_by(col(table.scheme), col(table.value))):
        ids_by_paper.setdefault(paper_id, []).append(StoredAuthorId(*values))
    return ids_by_paper


def papers_with_id(session: Session, scheme: str, value: str, limit: int) -> list[int]:
    """The last `limit` stored papers with that author's id."""
    table = PaperAuthorId
    statement = select(col(table.paper_id)).where(col(table.scheme) == scheme, col(table.value) == value)
    return list(session.execute(statement.order_by(col(table.paper_id).desc()).limit(limit)).scalars())


def papers_with_ids(session: Session, ids: Iterable[tuple[str, str]], paper_id: int = 0) -> dict[str, set[int]]:
    """The stored papers with these authors' ids, by `scheme:value`, from the paper with that id on."""
    table, id_pairs = PaperAuthorId, set(ids)
    statement = select(col(table.scheme), col(table.value), col(table.paper_id)).where(
        in_values(session, col(table.value), sorted({value for _, value in id_pairs})), col(table.paper_id) >= paper_id
    )
    papers: dict[str, set[int]] = {f"{scheme}:{value}": set() for scheme, value in id_pairs}
    for scheme, value, number in session.execute(statement):
        if (scheme, value) in id_pairs:
            papers[f"{scheme}:{value}"].add(number)
    return papers


def names_of_id(session: Session, scheme: str, value: str) -> list[str]:
    """The names that papers print for the author with that id."""
    table = PaperAuthorId
    statement = select(col(table.name)).where(col(table.scheme) == scheme, col(table.value) == value)
    return sorted(session.execute(statement.distinct()).scalars())


def names_of_ids(session: Session, ids: Iterable[tuple[str, str]], limit: int) -> dict[tuple[str, str], list[str]]:
    """The names that most papers print for the authors with these ids, at most `limit` of each."""
    table, id_pairs = PaperAuthorId, set(ids)
    columns = col(table.scheme), col(table.value), col(table.name)
    statement = (
        select(*columns)
        .where(in_values(session, col(table.value), sorted({value for _, value in id_pairs})))
        .group_by(*columns)
        .order_by(func.count().desc(), col(table.name))
    )
    names: dict[tuple[str, str], list[str]] = {}
    for scheme, value, name in session.execute(statement):
        if (scheme, value) in id_pairs and len(names.setdefault((scheme, value), [])) < limit:
            names[scheme, value].append(name)
    return names


def ids_since(session: Session, values: Iterable[str], paper_id: int) -> set[tuple[str, str]]:
    """The (scheme, value) of papers' authors with one of these values, from the paper with that id on."""
    table = PaperAuthorId
    statement = select(col(table.scheme), col(table.value)).where(
        in_values(session, col(table.value), sorted(values)), col(table.paper_id) >= paper_id
    )
    return {(scheme, value) for scheme, value in session.execute(statement.distinct())}
