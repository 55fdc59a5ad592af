"""Counters of rate limits, administrators' sign-ins and sessions, scopes and expiry of API tokens, longer actors."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_limit_counter",
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("action", "key"),
    )
    op.create_index("ix_rate_limit_counter_last_at", "rate_limit_counter", ["last_at"])
    op.create_table(
        "admin_login",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("link_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_hash", sa.String(64), nullable=True),
        sa.Column("session_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("session_hash"),
    )
    op.create_index("ix_admin_login_address", "admin_login", ["address"])
    with op.batch_alter_table("admin_token") as table:
        # Tokens made before scopes existed could do everything, and go on doing it; `digest doctor` lists them.
        table.add_column(sa.Column("scopes", sa.String(400), nullable=False, server_default="admin"))
        table.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("admin_token") as table:
        table.alter_column("scopes", server_default=None)
    with op.batch_alter_table("audit") as table:
        table.alter_column("actor", existing_type=sa.String(60), type_=sa.String(300))


def downgrade() -> None:
    op.execute("UPDATE audit SET actor = substr(actor, 1, 60)")
    with op.batch_alter_table("audit") as table:
        table.alter_column("actor", existing_type=sa.String(300), type_=sa.String(60))
    with op.batch_alter_table("admin_token") as table:
        for column in ("scopes", "expires_at", "last_used_at"):
            table.drop_column(column)
    op.drop_table("admin_login")
    op.drop_table("rate_limit_counter")
