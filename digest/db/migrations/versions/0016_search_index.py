"""The search index over all papers. It is filled in the background, so this takes no time."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

_SQLITE = (
    "CREATE VIRTUAL TABLE search_terms USING fts5(terms, content='', detail=none, columnsize=0,"
    " tokenize=\"ascii tokenchars '.+#*-_'\")"
)
_POSTGRESQL = (
    "CREATE TABLE search_terms (id integer PRIMARY KEY REFERENCES search_document ON DELETE CASCADE,"
    " terms tsvector NOT NULL) WITH (toast_tuple_target = 128)",
    "CREATE INDEX ix_search_terms ON search_terms USING gin (terms)",
)


def upgrade() -> None:
    op.create_table(
        "search_document",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("facets", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("paper_id"),
    )
    op.create_index("ix_search_document_day", "search_document", ["day", "paper_id"])
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else (_SQLITE,):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("search_terms")
    op.drop_table("search_document")
