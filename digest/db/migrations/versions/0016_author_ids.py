"""Sources' ids of papers' authors, which tell people of one name apart; and look-ups of example papers."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paper_author_id",
        sa.Column("paper_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scheme", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("institution", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("paper_id", "scheme", "value"),
    )
    op.create_index("ix_paper_author_id_value", "paper_author_id", ["value", "scheme"])
    with op.batch_alter_table("example_paper") as table:
        table.add_column(sa.Column("lookup", sa.String(length=10), nullable=False, server_default=""))
    op.create_index("ix_example_paper_lookup", "example_paper", ["lookup"])


def downgrade() -> None:
    op.drop_index("ix_example_paper_lookup", "example_paper")
    op.drop_column("example_paper", "lookup")
    op.drop_table("paper_author_id")
