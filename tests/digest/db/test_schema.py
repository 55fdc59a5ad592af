"""Migrating: from nothing to what the models say, as often as one likes, and by several at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

import digest.models
from digest.db import engine, schema
from tests.conftest import ROOT


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, configured: Callable[..., None]) -> Iterator[None]:
    """The settings point to a fresh database without tables, of both kinds in turn."""
    if request.param == "sqlite":
        configured(DATABASE_URL=f"sqlite:///{tmp_path / 'digest.db'}")
    else:
        configured(DATABASE_URL=request.getfixturevalue("postgres").empty_database())
    yield
    engine.engine().dispose()


def differences() -> list[object]:
    """What autogenerate would write to bring the database to the models."""
    assert digest.models.__all__  # the tables are declared by importing them
    with engine.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, SQLModel.metadata))


def test_an_empty_database_is_brought_to_what_the_models_say(empty: None) -> None:
    assert schema.current() is None

    schema.upgrade()

    assert differences() == []


def test_the_comparison_sees_a_missing_table(empty: None) -> None:
    schema.upgrade()
    with engine.engine().begin() as connection:
        SQLModel.metadata.tables["attempt"].drop(connection)

    assert differences() != []


def test_migrating_again_changes_nothing(empty: None) -> None:
    first = schema.upgrade()

    assert (schema.upgrade(), schema.current()) == (first, schema.newest())


def test_of_several_at_once_one_migrates_and_the_others_wait(empty: None) -> None:
    words = [sys.executable, "-m", "workers.main", "migrate"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = [subprocess.Popen(words, cwd=ROOT, env=dict(os.environ), text=True, **pipes) for _ in range(3)]

    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in started]

    assert ended == [("", 0)] * 3
    assert differences() == []
