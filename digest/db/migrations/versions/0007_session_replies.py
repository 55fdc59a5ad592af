"""How mail servers answered of late: tells a server's refusal of everybody from refusals of single addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "session_reply",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("way", sa.String(40), nullable=False),
        sa.Column("domain", sa.String(254), nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("about_address", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_session_reply_at", "session_reply", ["at"])


def downgrade() -> None:
    op.drop_table("session_reply")
