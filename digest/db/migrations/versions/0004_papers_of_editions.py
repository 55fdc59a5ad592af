"""The papers of an edition beside its content; fewer checks and index entries for each edition and mail."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LEASED = sa.text("lease_id IS NOT NULL")
NAMES = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}  # as PostgreSQL names them; SQLite does not


def upgrade() -> None:
    last = _last_edition()
    with op.batch_alter_table("edition", naming_convention=NAMES, table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("shown", sa.LargeBinary(), nullable=True))
        table.drop_constraint("edition_run_id_fkey", type_="foreignkey")
        table.drop_constraint("edition_subscriber_id_fkey", type_="foreignkey")
    _count_on(last)
    with op.batch_alter_table("delivery", naming_convention=NAMES) as table:
        table.drop_constraint("delivery_run_id_fkey", type_="foreignkey")
        table.drop_index("ix_delivery_lease")
    op.create_index("ix_delivery_lease", "delivery", ["lease_id"], sqlite_where=LEASED, postgresql_where=LEASED)


def downgrade() -> None:
    last = _last_edition()
    op.drop_index("ix_delivery_lease", "delivery")
    with op.batch_alter_table("delivery") as table:
        table.create_foreign_key("delivery_run_id_fkey", "run", ["run_id"], ["id"])
        table.create_index("ix_delivery_lease", ["lease_id"])
    with op.batch_alter_table("edition", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("shown")
        table.create_foreign_key("edition_run_id_fkey", "run", ["run_id"], ["id"])
        table.create_foreign_key(
            "edition_subscriber_id_fkey", "subscriber", ["subscriber_id"], ["id"], ondelete="CASCADE"
        )
    _count_on(last)


def _last_edition() -> int | None:
    """The last number ever given to an edition, where SQLite counts: the table is made again there."""
    if op.get_bind().dialect.name != "sqlite":
        return None
    return op.get_bind().execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'edition'")).scalar()


def _count_on(last: int | None) -> None:
    """No number is given again, not even an erased edition's."""
    if last is not None:
        bind = op.get_bind()
        bind.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'edition'"))
        bind.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('edition', :last)"), {"last": last})
