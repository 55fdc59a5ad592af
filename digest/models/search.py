"""The search index: a row for each paper, and a table of its terms, which each database has in its own form."""

from __future__ import annotations

from sqlalchemy import DDL, Index, event
from sqlmodel import Field, SQLModel

TERMS_TABLE = "search_terms"
SQLITE_TERMS = (
    f"CREATE VIRTUAL TABLE {TERMS_TABLE} USING fts5(terms, content='', detail=none, columnsize=0,"
    " tokenize=\"ascii tokenchars '.+#*-_'\")"
)
POSTGRESQL_TERMS = (
    f"CREATE TABLE {TERMS_TABLE} (id integer PRIMARY KEY REFERENCES search_document ON DELETE CASCADE,"
    " terms tsvector NOT NULL) WITH (toast_tuple_target = 128)",
    f"CREATE INDEX ix_{TERMS_TABLE} ON {TERMS_TABLE} USING gin (terms)",
)


class SearchDocument(SQLModel, table=True):
    """A paper in the search index. Its id is that of the version whose text is indexed.

    `day`: the ordinal of the announcement, or of the publication without one. `length`: tokens of title and abstract.
    `facets`: categories, sources and whether code is known. `rules`: `text.tokens.TERM_RULES` when it was indexed.

    The terms are in `search_terms` under the same id: an FTS5 table without content on SQLite, a tsvector on
    PostgreSQL. Terms of replaced versions stay in the FTS5 table; no row here has their ids.
    """

    __tablename__ = "search_document"
    __table_args__ = (Index("ix_search_document_day", "day", "paper_id"),)

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    paper_id: int = Field(unique=True, foreign_key="paper.id")
    day: int
    length: int
    rules: int
    facets: str


_TABLE = SQLModel.metadata.tables["search_document"]
event.listen(_TABLE, "after_create", DDL(SQLITE_TERMS).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
for _statement in POSTGRESQL_TERMS:
    event.listen(_TABLE, "after_create", DDL(_statement).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]
