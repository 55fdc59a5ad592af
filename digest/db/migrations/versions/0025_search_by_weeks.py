"""The search index with terms of weeks, and on PostgreSQL with what a search reads beside the terms.

The index is emptied and filled again in the background, so this takes no time. Code of the release before goes on
with it: the new columns have defaults, and what it adds is indexed again (`INDEX_RULES`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

CONTRACT = "an index without papers is complete after a while: each release fills it with what it lacks"
_NUMBERS = ("paper_id", "day", "length")


def upgrade() -> None:
    _empty()
    if op.get_bind().dialect.name == "postgresql":
        for name in _NUMBERS:
            op.add_column("search_terms", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0")))
        op.add_column("search_terms", sa.Column("facets", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    _empty()
    if op.get_bind().dialect.name == "postgresql":
        for name in (*_NUMBERS, "facets"):
            op.drop_column("search_terms", name)


def _empty() -> None:
    """Empty the index; on PostgreSQL the terms go with their papers."""
    op.execute("DELETE FROM search_document")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO search_terms(search_terms) VALUES ('delete-all')")
