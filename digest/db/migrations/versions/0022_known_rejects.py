"""Items that could not be used are stored once; the address of a feed before a permanent redirect."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reject", sa.Column("key", sa.String(length=32), nullable=False, server_default=""))
    op.add_column("reject", sa.Column("times_seen", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("reject", sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_reject_key", "reject", ["key"])
    op.add_column("feed_source", sa.Column("former_url", sa.String(length=2000), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("feed_source", "former_url")
    op.drop_index("ix_reject_key", "reject")
    for name in ("last_seen_at", "times_seen", "key"):
        op.drop_column("reject", name)
