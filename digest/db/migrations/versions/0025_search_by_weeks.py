"""The search index with terms of weeks, and on PostgreSQL with what a search reads beside the terms.

The index is emptied and filled again in the background, so this takes no time.
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_SQLITE = (
    "CREATE VIRTUAL TABLE search_terms USING fts5(terms, content='', detail=none, columnsize=0,"
    " tokenize=\"ascii tokenchars '.+#*-_'\")",
)
_INDEX = "CREATE INDEX ix_search_terms ON search_terms USING gin (terms)"
_POSTGRESQL = (
    "CREATE TABLE search_terms (id integer PRIMARY KEY REFERENCES search_document ON DELETE CASCADE,"
    " paper_id integer NOT NULL, day integer NOT NULL, length integer NOT NULL, facets varchar NOT NULL,"
    " terms tsvector NOT NULL) WITH (toast_tuple_target = 128)",
    _INDEX,
)
_OLD_POSTGRESQL = (
    "CREATE TABLE search_terms (id integer PRIMARY KEY REFERENCES search_document ON DELETE CASCADE,"
    " terms tsvector NOT NULL) WITH (toast_tuple_target = 128)",
    _INDEX,
)


def upgrade() -> None:
    _create_again(_POSTGRESQL)


def downgrade() -> None:
    _create_again(_OLD_POSTGRESQL)


def _create_again(postgresql: tuple[str, ...]) -> None:
    """Empty the index and create its terms' table in a form."""
    op.drop_table("search_terms")
    op.execute("DELETE FROM search_document")
    for statement in postgresql if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)
