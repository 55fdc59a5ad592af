"""Papers say in which outlets they appear and in which language, so that subscribers can choose."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_PREPRINT_PREFIXES = ("10.1101/", "10.64898/")
_PREPRINT_SERVERS = ("biorxiv", "medrxiv")  # names of the sources, and keys of their outlets


def upgrade() -> None:
    op.add_column("paper", sa.Column("outlets", sa.String(length=400), server_default="", nullable=False))
    op.add_column("paper", sa.Column("language", sa.String(length=8), server_default="", nullable=False))
    # The language of stored papers stays unknown, so that nobody misses them.
    columns = [sa.column(name, sa.String) for name in ("arxiv_id", "doi", "outlets")]
    paper = sa.table("paper", sa.column("batch_id"), *columns)
    batch = sa.table("batch", sa.column("id"), sa.column("source"))
    is_preprint = sa.or_(*(paper.c.doi.like(f"{prefix}%") for prefix in _PREPRINT_PREFIXES))
    for server in _PREPRINT_SERVERS:
        batches = sa.select(batch.c.id).where(batch.c.source == server)
        op.execute(paper.update().where(is_preprint, paper.c.batch_id.in_(batches)).values(outlets=server))
    outlets = sa.case((paper.c.outlets == "", "arxiv"), else_=sa.literal("arxiv ") + paper.c.outlets)
    op.execute(paper.update().where(paper.c.arxiv_id.is_not(None)).values(outlets=outlets))


def downgrade() -> None:
    op.drop_column("paper", "language")
    op.drop_column("paper", "outlets")
