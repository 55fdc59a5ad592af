"""Looks up papers in the search index: SQLite's FTS5 and PostgreSQL's GIN over the same terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlmodel import Session, col

from digest.db.core.dialect import in_values
from digest.matching.scoring.index_terms import AllOf, AnyOf, IndexPair, IndexQuery, IndexTerm, Without
from digest.models import SearchDocument
from digest.models.search import TERMS_TABLE

MAX_COUNTED = 50_000  # papers whose facets are counted
_WINDOW = 10_000  # the newest papers of the index


class Scope(NamedTuple):
    """The papers to search: from the first to the last day (ordinals), and only these papers (None: all)."""

    first: int
    last: int
    papers: tuple[int, ...] | None = None


class IndexHit(NamedTuple):
    """A paper of the index. `document_id`: its id there; `length` in tokens."""

    document_id: int
    paper_id: int
    day: int
    length: int


class FacetCount(NamedTuple):
    """How many papers have these facets and are of that period: its number, 0 is the newest."""

    facets: str
    period: int
    papers: int


def prefer_index(session: Session) -> None:
    """Let PostgreSQL use the index for the rest of the transaction.

    It would scan the table for common words, because it does not count what reading the terms of each row costs.
    """
    if _is_postgresql(session):
        session.execute(text("SET LOCAL enable_seqscan = off"))


def facet_counts(session: Session, query: IndexQuery, scope: Scope, periods: Sequence[int]) -> list[FacetCount]:
    """The papers by facets and period, at most `MAX_COUNTED`. `periods`: the first day of each but the oldest."""
    cases = " ".join(f"WHEN day >= :p{number} THEN {number}" for number in range(len(periods)))
    statement = (
        f"SELECT facets, CASE {cases} ELSE {len(periods)} END AS period, count(*)"  # noqa: S608 - texts of ours
        f" FROM (SELECT d.facets, d.day {_hit_tables(session, scope)} LIMIT :most) AS found GROUP BY 1, 2"
    )
    values = {f"p{number}": day for number, day in enumerate(periods)} | {"most": MAX_COUNTED}
    rows = session.execute(text(statement), _values(session, query, scope) | values).all()
    return list(map(FacetCount._make, rows))


def newest_hits(
    session: Session, query: IndexQuery, scope: Scope, limit: int, after: tuple[int, int] | None = None
) -> list[IndexHit]:
    """The newest papers, by day and id; `after`: only those behind that day and paper.

    They are looked for among the newest papers of the index first, because a common word is in most of them.
    """
    window = _recent_window(session) if scope.papers is None and limit < _WINDOW else None
    if window is not None and (after is None or after[0] > window.first_day):
        hits = _newest_hits(session, query, scope, limit, after, window)
        if len(hits) == limit:
            return hits
    return _newest_hits(session, query, scope, limit, after, None)


class _RecentWindow(NamedTuple):
    """All papers of the index from that day on; none of them has a smaller id."""

    first_day: int
    first_id: int


def _recent_window(session: Session) -> _RecentWindow | None:
    """The days of the newest papers; None for a small index."""
    day, document = col(SearchDocument.day), col(SearchDocument.id)
    newest_first = select(day).order_by(day.desc(), col(SearchDocument.paper_id).desc())
    first_day = session.execute(newest_first.offset(_WINDOW).limit(1)).scalar_one_or_none()
    if first_day is None:
        return None
    first_id: int = session.execute(select(func.min(document)).where(day >= first_day)).scalar_one()
    return _RecentWindow(first_day, first_id)


def _newest_hits(
    session: Session,
    query: IndexQuery,
    scope: Scope,
    limit: int,
    after: tuple[int, int] | None,
    window: _RecentWindow | None,
) -> list[IndexHit]:
    behind = "" if after is None else " AND (d.day < :day OR (d.day = :day AND d.paper_id < :paper))"
    if window is not None:
        document = "s.id" if _is_postgresql(session) else f"{TERMS_TABLE}.rowid"
        behind += f" AND {document} >= :first_id AND d.day >= :first_day"
    statement = (
        f"SELECT d.id, d.paper_id, d.day, d.length {_hit_tables(session, scope)}{behind}"
        " ORDER BY d.day DESC, d.paper_id DESC LIMIT :most"
    )
    values = {"most": limit} | ({} if after is None else {"day": after[0], "paper": after[1]})
    values |= {} if window is None else window._asdict()
    rows = session.execute(text(statement), _values(session, query, scope) | values).all()
    return list(map(IndexHit._make, rows))


def document_ids(session: Session, query: IndexQuery, first_id: int = 0) -> set[int]:
    """The ids in the index of all papers that the query finds, from `first_id` on."""
    if _is_postgresql(session):
        joined_ids, condition = (
            "string_agg(CAST(id AS text), ',')",
            "terms @@ CAST(:query AS tsquery) AND id + 0 >= :first_id",
        )
    else:
        joined_ids, condition = "group_concat(rowid, ',')", f"{TERMS_TABLE} MATCH :query AND rowid >= :first_id"
    statement = f"SELECT {joined_ids} FROM {TERMS_TABLE} WHERE {condition}"  # noqa: S608 - texts of ours
    values = {"query": _text(session, query), "first_id": first_id}
    joined = session.execute(text(statement), values).scalar_one()
    return set(map(int, joined.split(","))) if joined else set()


def count_documents(session: Session, query: IndexQuery, *, limit: int) -> int:
    """How many papers the query finds in the index, at most `limit`."""
    condition = "terms @@ CAST(:query AS tsquery)" if _is_postgresql(session) else f"{TERMS_TABLE} MATCH :query"
    matching_rows = f"SELECT 1 FROM {TERMS_TABLE} WHERE {condition} LIMIT :limit"  # noqa: S608 - texts of ours
    statement = text(f"SELECT count(*) FROM ({matching_rows}) AS documents")  # noqa: S608
    return int(session.execute(statement, {"query": _text(session, query), "limit": limit}).scalar_one())


def papers_of(session: Session, document_ids: Sequence[int]) -> list[int]:
    """The papers of documents of the index, in this order; those of replaced versions are left out."""
    statement = select(col(SearchDocument.id), col(SearchDocument.paper_id)).where(
        in_values(session, col(SearchDocument.id), document_ids)
    )
    paper_by_document = {row.id: row.paper_id for row in session.execute(statement)}
    return [paper_by_document[document] for document in document_ids if document in paper_by_document]


def _hit_tables(session: Session, scope: Scope) -> str:
    """FROM and WHERE of the papers that `:query` finds within the scope."""
    if _is_postgresql(session):
        # OFFSET 0: found by the terms first, not read in the order of ids for the join
        matching_rows = f"(SELECT id FROM {TERMS_TABLE} WHERE terms @@ CAST(:query AS tsquery) OFFSET 0)"  # noqa: S608
        tables, matches = f"{matching_rows} s JOIN search_document d ON d.id = s.id", "true"
        listed = "d.paper_id = ANY(CAST(:papers AS integer[]))"
    else:  # CROSS JOIN: the terms first
        tables = f"{TERMS_TABLE} CROSS JOIN search_document d ON d.id = {TERMS_TABLE}.rowid"
        matches, listed = f"{TERMS_TABLE} MATCH :query", "d.paper_id IN (SELECT value FROM json_each(:papers))"
    within = "" if scope.papers is None else f" AND {listed}"
    return f"FROM {tables} WHERE {matches} AND d.day BETWEEN :first AND :last{within}"


def _values(session: Session, query: IndexQuery, scope: Scope) -> dict[str, Any]:
    values = {"query": _text(session, query), "first": scope.first, "last": scope.last}
    if scope.papers is None:
        return values
    numbers = ",".join(map(str, scope.papers))
    return values | {"papers": f"{{{numbers}}}" if _is_postgresql(session) else f"[{numbers}]"}


def _text(session: Session, query: IndexQuery) -> str:
    return to_tsquery(query) if _is_postgresql(session) else to_fts5(query)


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def to_fts5(query: IndexQuery) -> str:
    """The query in FTS5's language."""
    match query:
        case IndexTerm(term, prefix):
            return f'"{term.replace(chr(34), "")}"{" *" if prefix else ""}'
        case IndexPair():
            return to_fts5(query.term)
        case AllOf(parts):
            return _joined(" AND ", map(to_fts5, parts))
        case AnyOf(parts):
            return _joined(" OR ", map(to_fts5, parts))
        case Without(keep, drop):
            return f"({to_fts5(keep)} NOT {to_fts5(drop)})"


def to_tsquery(query: IndexQuery) -> str:
    """The query as PostgreSQL's tsquery."""
    match query:
        case IndexTerm(term, prefix):
            escaped = term.replace("\\", "\\\\").replace("'", "''")
            return f"'{escaped}'{':*' if prefix else ''}"
        case IndexPair():
            return to_tsquery(query.term)
        case AllOf(parts):
            return _joined(" & ", map(to_tsquery, parts))
        case AnyOf(parts):
            return _joined(" | ", map(to_tsquery, parts))
        case Without(keep, drop):
            return f"({to_tsquery(keep)} & !{to_tsquery(drop)})"


def _joined(operator: str, parts: Iterable[str]) -> str:
    return f"({operator.join(parts)})"
