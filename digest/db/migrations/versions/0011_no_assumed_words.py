"""Words assumed from a profile's best papers are gone: they lowered recall on every label set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.drop_column("threshold", "assumed")


def downgrade() -> None:
    op.add_column("threshold", sa.Column("assumed", sa.JSON(), nullable=True))
