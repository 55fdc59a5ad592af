"""Serials that never restart, the installation's identity, and delivery ids that are never given again."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COUNTED = ("resend", "confirmation", "link", "sign-in", "alarm")
SERIALS = sa.table(
    "delivery_serial",
    sa.column("kind", sa.String()),
    sa.column("subject_id", sa.BigInteger()),
    sa.column("last", sa.Integer()),
)


def upgrade() -> None:
    op.create_table(
        "delivery_serial",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject_id"),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id"),
    )
    _count_existing()
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("delivery", recreate="always", table_kwargs={"sqlite_autoincrement": True}):
            pass


def downgrade() -> None:
    op.drop_table("installation")
    op.drop_table("delivery_serial")
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("delivery", recreate="always", table_kwargs={"sqlite_autoincrement": False}):
            pass


def _count_existing() -> None:
    """Go on from the serials of the deliveries that are there, and from the resends that the audit knows of."""
    bind = op.get_bind()
    newest = sa.text("SELECT kind, subject_id, max(serial) FROM delivery GROUP BY kind, subject_id")
    last = {(kind, subject): serial for kind, subject, serial in bind.execute(newest) if kind in COUNTED}
    for (detail,) in bind.execute(sa.text("SELECT detail FROM audit WHERE action = 'resend'")):
        values = json.loads(detail) if isinstance(detail, str) else detail
        key = ("resend", values.get("edition"))
        if isinstance(key[1], int) and isinstance(values.get("serial"), int):
            last[key] = max(last.get(key, 0), values["serial"])
    rows = [{"kind": kind, "subject_id": subject, "last": serial} for (kind, subject), serial in last.items()]
    if rows:
        bind.execute(sa.insert(SERIALS), rows)
