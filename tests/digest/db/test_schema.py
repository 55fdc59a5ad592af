"""The migrations: they make the tables of the models, on both kinds of database, and may be run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel, text

from digest.db import schema
from digest.db.engine import engine
from digest.errors import Misconfigured
from tests.conftest import make_tables
from tests.servers import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, configured: Callable[..., None]) -> Iterator[None]:
    """A database without tables; the settings point to it."""
    if request.param == "sqlite":
        configured(DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        configured(DATABASE_URL=server.new_database(make_tables))
        with engine().begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    yield
    engine().dispose()


def test_the_migrations_make_the_tables_of_the_models(empty: None) -> None:
    schema.upgrade()

    with engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_again_changes_nothing(empty: None) -> None:
    first = schema.upgrade()

    assert schema.upgrade() == first == schema.current()


def test_a_database_that_was_never_migrated_is_named_with_its_cure(empty: None) -> None:
    with pytest.raises(Misconfigured, match=r"schema is empty, not .*; run: digest migrate"):
        schema.must_be_newest()
