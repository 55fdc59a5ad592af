"""What a sign-up asks for, and what a preferences page asks for, is kept apart until its mailed link is used."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Sign-ups that nobody confirmed yet. Their links carry the number of a profile version, which the request inherits.
UNCONFIRMED = """
    SELECT v.id, v.subscriber_id, v.created_at, v.profile, s.time_zone, s.send_at, s.cadence, s.weekday, s.quiet_day
    FROM profile_version v JOIN subscriber s ON s.id = v.subscriber_id
    WHERE s.state <> 'active' AND (s.profile_id IS NULL OR v.id > s.profile_id) ORDER BY v.id
"""


def upgrade() -> None:
    op.create_table(
        "sign_up_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("schedule", sa.JSON(), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("wording", sa.String(length=20), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sign_up_request_subscriber_id"), "sign_up_request", ["subscriber_id"])
    op.create_table(
        "account_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_account_request_subscriber_id"), "account_request", ["subscriber_id"])
    _keep_unconfirmed()


def _keep_unconfirmed() -> None:
    """Links in confirmation mails that are under way keep working."""
    connection = op.get_bind()
    rows = [
        {
            "id": row.id,
            "subscriber_id": row.subscriber_id,
            "created_at": row.created_at,
            "profile": row.profile if isinstance(row.profile, str) else json.dumps(row.profile),
            "schedule": json.dumps(
                {
                    "time_zone": row.time_zone,
                    "send_at": str(row.send_at)[:8],
                    "cadence": row.cadence,
                    "weekday": row.weekday,
                    "quiet_day": row.quiet_day,
                }
            ),
        }
        for row in connection.execute(sa.text(UNCONFIRMED))
    ]
    insert = sa.text(
        "INSERT INTO sign_up_request (id, subscriber_id, created_at, profile, schedule, client, wording) "
        "VALUES (:id, :subscriber_id, :created_at, :profile, :schedule, '', '')"
    )
    if rows:
        connection.execute(insert, rows)
    newest = connection.execute(sa.text("SELECT max(id) FROM profile_version")).scalar()
    if newest is None:
        return
    # The next request must not take a number that a link of before may carry.
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT setval(pg_get_serial_sequence('sign_up_request', 'id'), :n)"), {"n": newest})
    else:
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'sign_up_request'"))
        connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('sign_up_request', :n)"), {"n": newest})


def downgrade() -> None:
    op.drop_table("account_request")
    op.drop_table("sign_up_request")
