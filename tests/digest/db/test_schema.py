"""The migrations: they make the tables of the models, on both kinds of database, and may be run again and at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, SQLModel, select

from digest.db import schema
from digest.db.dialect import unused_numbers
from digest.db.engine import engine
from digest.errors import Misconfigured
from digest.models import Announcement, Batch, Delivery, Edition, Paper, PaperKey, PaperVersion, Signal
from digest.services import tokens
from tests.conftest import ROOT
from tests.servers import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, configured: Callable[..., None]) -> Iterator[None]:
    """A database without tables; the settings point to it."""
    if request.param == "sqlite":
        configured(DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        configured(DATABASE_URL=server.empty_database())
    yield
    engine().dispose()


def differences() -> list[object]:
    """What autogenerate would write to bring the database to the models."""
    with engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))


def test_the_migrations_make_the_tables_of_the_models(empty: None) -> None:
    schema.upgrade()

    assert differences() == []


def test_the_comparison_sees_a_missing_table(empty: None) -> None:
    schema.upgrade()
    with engine().begin() as connection:
        SQLModel.metadata.tables["attempt"].drop(connection)

    assert differences() != []


def test_of_two_at_once_one_migrates_and_the_other_waits(empty: None) -> None:
    words = [sys.executable, "-m", "workers.main", "migrate"]
    started = [subprocess.Popen(words, cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL) for _ in range(2)]

    assert [process.wait(240) for process in started] == [0, 0]
    assert differences() == []


def test_migrating_again_changes_nothing(empty: None) -> None:
    first = schema.upgrade()

    assert schema.upgrade() == first == schema.current()


def test_a_database_that_was_never_migrated_is_named_with_its_cure(empty: None) -> None:
    with pytest.raises(Misconfigured, match=r"schema is empty, not .*; run: digest migrate"):
        schema.must_be_newest()


NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)


def owed(number: int) -> Delivery:
    return Delivery(
        id=number, kind="digest", subject_id=number, address="a@one.example", domain="one.example", created_at=NOON
    )


@pytest.fixture
def first_with_rows(empty: None) -> None:
    """The first schema, with a paper, its keys, and a mail owed; brought to the newest."""
    schema.upgrade("0001")
    with Session(engine()) as session, session.begin():
        session.add(Announcement(id=739575, day=date(2025, 11, 20)))
        session.flush()
        session.add(Batch(id=1, source="seeds", announcement_id=739575, started_at=NOON, known_at=NOON))
        session.flush()
        session.add(Paper(id=1, arxiv_id="2511.00001", announcement_id=739575, batch_id=1))
        session.flush()
        session.add_all(PaperKey(key=key, paper_id=1) for key in ("one", "two"))
        session.add(PaperVersion(paper_id=1, revision=1, batch_id=1, title="A title", abstract="", detail={}))
        session.add(Signal(paper_id=1, source="seeds", name="upvotes", taken_at=NOON, value=3))
        session.add(owed(7))
    schema.upgrade()


def test_rows_of_the_first_schema_are_all_there_in_the_newest(first_with_rows: None) -> None:
    with Session(engine()) as session:
        keys = session.exec(select(PaperKey.key).order_by(PaperKey.key)).all()
        mails = session.exec(select(Delivery.subject_id)).all()
        papers = session.exec(select(Paper.arxiv_id, PaperVersion.title).join(PaperVersion)).all()
        signals = session.exec(select(Signal.paper_id, Signal.value)).all()

    assert (keys, mails) == (["one", "two"], [7])
    assert (papers, signals) == ([("2511.00001", "A title")], [(1, 3)])


def test_what_names_a_row_must_name_one_after_migrating(first_with_rows: None) -> None:
    with Session(engine()) as session, pytest.raises(IntegrityError), session.begin():
        session.add(Signal(paper_id=2, source="seeds", name="upvotes", taken_at=NOON, value=3))


def test_a_migrated_database_is_as_the_models_say(first_with_rows: None) -> None:
    assert differences() == []


def test_an_erased_edition_s_number_is_not_given_again_after_migrating(empty: None) -> None:
    schema.upgrade("0003")
    row = "VALUES (9, 1, '2025-11-20', 1, 1, '2025-11-20', 0, 'digest', false, 0, '')"
    with engine().begin() as connection:
        connection.execute(
            text("INSERT INTO subscriber (id, address, address_key, state, created_at, time_zone, send_at, cadence,"
                 " weekday, quiet_day, seen_through) VALUES (1, 'a', 'a', 'active', '2025-11-20', 'UTC', '07:00',"
                 " 'daily', 0, 'skip', 0)")
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO edition (id, subscriber_id, day, announcement_id, profile_id, created_at, previous_seen,"
                 f" kind, cancelled, papers, content) {row}")
        )  # fmt: skip
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('edition_id_seq', 9)"))
        connection.execute(text("DELETE FROM edition"))
    schema.upgrade()
    with Session(engine()) as session:
        numbers = unused_numbers(session, Edition, 1)

    assert numbers == [10]


def test_mails_are_numbered_beyond_four_bytes(first_with_rows: None) -> None:
    with Session(engine()) as session, session.begin():
        session.add(owed(2**40))
    with Session(engine()) as session:
        found = session.get(Delivery, 2**40)

    assert found is not None
    assert found.subject_id == 2**40


def test_a_token_made_before_there_were_scopes_keeps_them_all(empty: None) -> None:
    schema.upgrade("0005")
    made = "INSERT INTO admin_token (name, digest, created_at) VALUES ('old', 'x', '2025-01-01 00:00:00+00:00')"
    with engine().begin() as connection:
        connection.execute(text(made if connection.dialect.name != "sqlite" else made.replace("+00:00", "")))
    schema.upgrade()

    assert [(row["name"], row["scopes"], row["state"]) for row in tokens.listing()] == [("old", "admin", "active")]
    assert tokens.unlimited() == ["old"]
