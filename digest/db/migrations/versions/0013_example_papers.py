"""Papers that subscribers start from."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "example_paper",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=True),
        sa.Column("identifier", sa.String(length=250), nullable=True),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("abstract", sa.String(length=4000), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["request_id"], ["sign_up_request.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_example_paper_subscriber_id", "example_paper", ["subscriber_id"])
    op.create_index("ix_example_paper_request_id", "example_paper", ["request_id"])


def downgrade() -> None:
    op.drop_table("example_paper")
