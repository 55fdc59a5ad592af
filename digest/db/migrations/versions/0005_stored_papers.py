"""Fewer checks for each paper stored: a batch, its announcement and its papers go in together, and all of them stay."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NAMES = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}  # as PostgreSQL names them; SQLite does not
DROPPED = {"paper": ("announcement", "batch"), "paper_version": ("batch",)}


def upgrade() -> None:
    for name, others in DROPPED.items():
        with op.batch_alter_table(name, naming_convention=NAMES) as table:
            for other in others:
                table.drop_constraint(f"{name}_{other}_id_fkey", type_="foreignkey")


def downgrade() -> None:
    for name, others in DROPPED.items():
        with op.batch_alter_table(name) as table:
            for other in others:
                table.create_foreign_key(f"{name}_{other}_id_fkey", other, [f"{other}_id"], ["id"])
