"""Hashes of deleted people's addresses, and their key; time zones that depend on the machine become real ones."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_address",
        sa.Column("id", sa.Integer(), primary_key=True, nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False, unique=True),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("suppressed", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "stored_key",
        sa.Column("name", sa.String(length=40), primary_key=True, nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute("UPDATE subscriber SET time_zone = 'UTC' WHERE time_zone IN ('localtime', 'posixrules', 'Factory')")
    for folder in ("posix/", "right/"):
        zone_name = f"substr(time_zone, {len(folder) + 1})"
        op.execute(f"UPDATE subscriber SET time_zone = {zone_name} WHERE time_zone LIKE '{folder}%'")


def downgrade() -> None:
    op.drop_table("stored_key")
    op.drop_table("former_address")
