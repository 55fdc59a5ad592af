"""Papers say in which outlets they appear and in which language, so that subscribers can choose."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_PREPRINT_PREFIXES = ("10.1101/", "10.64898/")



def upgrade() -> None:
    op.add_column("paper", sa.Column("outlets", sa.String(length=400), server_default="", nullable=False))
    op.add_column("paper", sa.Column("language", sa.String(length=8), server_default="", nullable=False))
    # The language of stored papers stays unknown, so that nobody misses them.
    columns = [sa.column(name) for name in ("arxiv_id", "doi", "batch_id", "outlets")]
    paper, batch = sa.table("paper", *columns), sa.table("batch", sa.column("id"), sa.column("source"))
    source = sa.select(batch.c.source).where(batch.c.id == paper.c.batch_id).scalar_subquery()
    for prefix in _PREPRINT_PREFIXES:
        op.execute(paper.update().where(paper.c.doi.like(f"{prefix}%")).values(outlets=sa.func.coalesce(source, "")))
    op.execute(paper.update().where(paper.c.arxiv_id.is_not(None)).values(outlets="arxiv"))


def downgrade() -> None:
    op.drop_column("paper", "language")
    op.drop_column("paper", "outlets")
