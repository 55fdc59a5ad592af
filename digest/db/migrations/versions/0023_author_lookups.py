"""The people of a name as a source answered, so that it is not asked again."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "author_lookup",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("looked_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("ix_author_lookup_looked_up_at", "author_lookup", ["looked_up_at"])


def downgrade() -> None:
    op.drop_table("author_lookup")
