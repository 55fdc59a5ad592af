"""Feeds as sources, their entries, paused sources, and the DOIs that Crossref was asked about."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_pause",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
    op.create_table(
        "feed_source",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("max_a_day", sa.Integer(), nullable=True),
        sa.Column("etag", sa.String(length=400), nullable=False),
        sa.Column("last_modified", sa.String(length=100), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "feed_item",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("text_key", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("source", "key"),
    )
    op.create_index("ix_feed_item_text", "feed_item", ["source", "text_key"])
    op.create_index("ix_feed_item_day", "feed_item", ["source", "state", "day"])
    op.create_table(
        "crossref_lookup",
        sa.Column("doi", sa.String(length=250), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("has_abstract", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("doi"),
    )


def downgrade() -> None:
    op.drop_table("crossref_lookup")
    op.drop_table("feed_item")
    op.drop_table("feed_source")
    op.drop_table("source_pause")
