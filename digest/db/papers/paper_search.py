"""Looks up papers in the search index: SQLite's FTS5 and PostgreSQL's GIN over the same terms."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlmodel import Session, col

from digest.caching import BoundedCache
from digest.db.core.dialect import in_values
from digest.db.papers import search_index
from digest.matching.scoring.index_terms import AllOf, AnyOf, IndexPair, IndexPhrase, IndexQuery, IndexTerm, Without
from digest.models import SearchDocument
from digest.models.search import TERMS_TABLE

MAX_FOUND = 6_000  # papers of a query that are read: the newest ones
_WINDOW = 10_000  # the newest papers of the index, among which a query's are looked for first
_WINDOW_GROWTH, _MOST_GROWTH = 1.5, 4  # from one window to the next larger one; from one count to the next
_windows: BoundedCache[RecentWindow | None] = BoundedCache(max_entries=512, max_bytes=512, size_of=lambda _: 1)


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


@dataclass(frozen=True, slots=True)
class FoundPapers:
    """Papers of the index, newest first, as columns of equal length: see `IndexHit`, and `models.SearchDocument`."""

    document_ids: Sequence[int] = ()
    paper_ids: Sequence[int] = ()
    days: Sequence[int] = ()
    lengths: Sequence[int] = ()
    facets: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.document_ids)

    def hits(self, first: int, end: int) -> list[IndexHit]:
        """The papers at these places."""
        columns = self.document_ids, self.paper_ids, self.days, self.lengths
        return list(map(IndexHit, *(column[first:end] for column in columns)))

    def newest(self, count: int) -> FoundPapers:
        """The first papers."""
        return self._at(range(min(count, len(self)))) if count < len(self) else self

    def only(self, paper_ids: Collection[int]) -> FoundPapers:
        """These papers alone."""
        return self._at([place for place, paper_id in enumerate(self.paper_ids) if paper_id in paper_ids])

    def place_behind(self, position: tuple[int, int]) -> int:
        """The place of the first paper that is older than a day and paper, in the order of day and id."""
        day, paper_id = position
        places = range(len(self))
        return bisect(places, (-day, -paper_id), key=lambda place: (-self.days[place], -self.paper_ids[place]))

    def _at(self, places: Sequence[int]) -> FoundPapers:
        numbers = self.document_ids, self.paper_ids, self.days, self.lengths
        document_ids, paper_ids, days, lengths = ([column[place] for place in places] for column in numbers)
        return FoundPapers(document_ids, paper_ids, days, lengths, [self.facets[place] for place in places])


class RecentWindow(NamedTuple):
    """All papers of the index from that day on; none of them has a smaller id."""

    first_day: int
    first_id: int


def prefer_index(session: Session) -> None:
    """Let PostgreSQL use the indexes for the rest of the transaction.

    It would scan tables for common words, because it does not count what reading the terms of each row costs.
    """
    if _is_postgresql(session):
        kinds = ("seqscan", "hashjoin", "mergejoin")
        settings = ", ".join(f"set_config('enable_{kind}', 'off', true)" for kind in kinds)
        session.execute(text(f"SELECT {settings}"))


def found_papers(
    session: Session, query: IndexQuery, scope: Scope, limit: int, after: tuple[int, int] | None = None
) -> FoundPapers:
    """The newest papers, by day and id; `after`: only those behind that day and paper.

    They are looked for among the newest papers of the index first, because a common word is in most of them.
    """
    window = _likely_window(session, query, limit) if scope.papers is None and after is None else None
    if window is not None:
        papers = _found_papers(session, query, scope, limit, after, window)
        if len(papers) == limit:
            return papers
    return _found_papers(session, query, scope, limit, after, None)


def _likely_window(session: Session, query: IndexQuery, limit: int) -> RecentWindow | None:
    """The newest papers of the index, of which the query finds so many; None for all papers.

    Cached until many papers were added to the index: a window stays right, it only grows.
    """
    first_id, last_id = search_index.indexed_versions(session)
    version = first_id, last_id // _WINDOW
    url = session.get_bind().engine.url

    def window_of(size: int) -> RecentWindow | None:
        return _windows.get((url, size), lambda: _read_window(session, size), version=version)

    def likely_window() -> RecentWindow | None:
        size = float(_WINDOW)
        while 4 * size < 3 * (last_id - first_id) and (window := window_of(int(size))) is not None:
            papers, counted = _count_from(session, query, window.first_id), size
            if papers >= limit:
                return window
            while size * papers < limit * counted and size < _MOST_GROWTH * counted:
                size *= _WINDOW_GROWTH
        return None  # a larger window would save little

    return _windows.get((url, _text(session, query), limit), likely_window, version=version)


def _read_window(session: Session, size: int) -> RecentWindow | None:
    day, document = col(SearchDocument.day), col(SearchDocument.id)
    newest_first = select(day).order_by(day.desc(), col(SearchDocument.paper_id).desc())
    first_day = session.execute(newest_first.offset(size).limit(1)).scalar_one_or_none()
    if first_day is None:
        return None
    first_id: int = session.execute(select(func.min(document)).where(day >= first_day)).scalar_one()
    return RecentWindow(first_day, first_id)


def _found_papers(
    session: Session,
    query: IndexQuery,
    scope: Scope,
    limit: int,
    after: tuple[int, int] | None,
    window: RecentWindow | None,
) -> FoundPapers:
    behind = "" if after is None else " AND (d.day < :day OR (d.day = :day AND d.paper_id < :paper))"
    within = "" if window is None else " AND d.day >= :first_day AND d.id >= :first_id"
    statement = (
        "SELECT d.id, d.paper_id, d.day, d.length, d.facets"
        f" {_hit_tables(session, scope)}{behind}{within} ORDER BY d.day DESC, d.paper_id DESC LIMIT :most"
    )
    values = {"most": limit} | ({} if after is None else {"day": after[0], "paper": after[1]})
    values |= {"first_id": 0} if window is None else window._asdict()
    rows = session.execute(text(statement), _values(session, query, scope) | values).all()
    return FoundPapers(*zip(*rows, strict=True))


def document_ids(session: Session, query: IndexQuery, first_id: int = 0) -> set[int]:
    """The ids in the index of all papers that the query finds, from `first_id` on."""
    joined_ids = "string_agg(CAST(id AS text), ',')" if _is_postgresql(session) else "group_concat(rowid, ',')"
    statement = f"SELECT {joined_ids} FROM {TERMS_TABLE} WHERE {_matches(session)}"  # noqa: S608 - texts of ours
    values = {"query": _text(session, query), "first_id": first_id}
    joined = session.execute(text(statement), values).scalar_one()
    return set(map(int, joined.split(","))) if joined else set()


def _count_from(session: Session, query: IndexQuery, first_id: int) -> int:
    statement = f"SELECT count(*) FROM {TERMS_TABLE} WHERE {_matches(session)}"  # noqa: S608 - texts of ours
    values = {"query": _text(session, query), "first_id": first_id}
    return int(session.execute(text(statement), values).scalar_one())


def _matches(session: Session) -> str:
    """The condition of the terms that `:query` finds from `:first_id` on.

    On PostgreSQL the sum keeps the ids' index from being used, with which it would read the terms of each row.
    """
    if _is_postgresql(session):
        return "terms @@ CAST(:query AS tsquery) AND id + 0 >= :first_id"
    return f"{TERMS_TABLE} MATCH :query AND {TERMS_TABLE}.rowid >= :first_id"


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
    """FROM and WHERE of the papers that `:query` finds within the scope, from `:first_id` on."""
    if _is_postgresql(session):
        # OFFSET 0: found by the terms first, not read in the order of ids for the join
        matching_rows = f"(SELECT id FROM {TERMS_TABLE} WHERE {_matches(session)} OFFSET 0)"  # noqa: S608
        tables, matches = f"{matching_rows} s JOIN search_document d ON d.id = s.id", "true"
        listed = "d.paper_id = ANY(CAST(:papers AS integer[]))"
    else:  # CROSS JOIN: the terms first
        tables = f"{TERMS_TABLE} CROSS JOIN search_document d ON d.id = {TERMS_TABLE}.rowid"
        matches, listed = _matches(session), "d.paper_id IN (SELECT value FROM json_each(:papers))"
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
        case IndexPhrase():
            return to_fts5(query.pairs)
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
        case IndexPhrase():
            return to_tsquery(query.pairs)
        case AllOf(parts):
            return _joined(" & ", map(to_tsquery, parts))
        case AnyOf(parts):
            return _joined(" | ", map(to_tsquery, parts))
        case Without(keep, drop):
            return f"({to_tsquery(keep)} & !{to_tsquery(drop)})"


def _joined(operator: str, parts: Iterable[str]) -> str:
    return f"({operator.join(parts)})"
