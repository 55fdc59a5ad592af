"""Words of a profile's best papers, which stand in for likes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("threshold", sa.Column("assumed", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("threshold", "assumed")
