"""Further identifiers of papers, and papers that turned out to be versions of others."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("paper", sa.Column("merged_into", sa.Integer(), nullable=True))
    is_merged = sa.text("merged_into IS NOT NULL")
    op.create_index(
        "ix_paper_merged_into", "paper", ["merged_into"], sqlite_where=is_merged, postgresql_where=is_merged
    )
    op.create_table(
        "paper_identifier",
        sa.Column("identifier", sa.String(length=260), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("identifier"),
    )
    op.create_index("ix_paper_identifier_paper_id", "paper_identifier", ["paper_id"])


def downgrade() -> None:
    op.drop_table("paper_identifier")
    op.drop_index("ix_paper_merged_into", table_name="paper")
    op.drop_column("paper", "merged_into")
