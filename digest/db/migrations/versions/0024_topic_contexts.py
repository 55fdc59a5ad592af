"""Contexts of topics by epoch, and which thresholds have those of their profile's topics."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "topic_context",
        sa.Column("epoch_id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("floor", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["epoch_id"], ["epoch.id"]),
        sa.PrimaryKeyConstraint("epoch_id", "topic"),
    )
    op.add_column("threshold", sa.Column("has_contexts", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("threshold", "has_contexts")
    op.drop_table("topic_context")
