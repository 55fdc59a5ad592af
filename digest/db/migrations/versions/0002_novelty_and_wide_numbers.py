"""Novelty; numbers of eight bytes where every reader and day gets a row; keys of papers without a check each."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WIDE = (
    ("edition", "id"), ("delivery", "id"), ("delivery", "subject_id"), ("bounce", "delivery_id"), ("signal", "id")
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "novelty",
        sa.Column("paper_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("nearest_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]),
        sa.PrimaryKeyConstraint("paper_id"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _copy_keys()
        return
    op.drop_constraint("paper_key_paper_id_fkey", "paper_key", type_="foreignkey")
    _numbers(sa.BigInteger(), "bigint")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _copy_keys(sa.ForeignKeyConstraint(["paper_id"], ["paper.id"]))
    else:
        _numbers(sa.Integer(), "integer")
        op.create_foreign_key("paper_key_paper_id_fkey", "paper_key", "paper", ["paper_id"], ["id"])
    op.drop_table("novelty")


def _numbers(kind: sa.types.TypeEngine[int], name: str) -> None:
    for table, column in WIDE:
        op.alter_column(table, column, type_=kind)
        if column == "id":
            op.execute(f"ALTER SEQUENCE {table}_id_seq AS {name}")


def _copy_keys(*constraints: sa.ForeignKeyConstraint) -> None:
    """SQLite can't drop a foreign key: the table is made again."""
    op.create_table(
        "paper_key_new",
        sa.Column("key", sa.String(length=70), nullable=False),
        sa.Column("paper_id", sa.Integer(), autoincrement=False, nullable=False),
        *constraints,
        sa.PrimaryKeyConstraint("key", "paper_id"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO paper_key_new (key, paper_id) SELECT key, paper_id FROM paper_key")
    op.drop_table("paper_key")
    op.rename_table("paper_key_new", "paper_key")
