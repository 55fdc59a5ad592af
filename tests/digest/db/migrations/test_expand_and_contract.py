"""Migrations only add, so that processes of the release before go on with the new schema (CONTRIBUTING.md)."""

from __future__ import annotations

import importlib.util
import re
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import ROOT

VERSIONS = ROOT / "digest" / "db" / "migrations" / "versions"
SINCE = "0012"  # the policy's first migration; older ones were run by everybody
MIGRATIONS = sorted(file for file in VERSIONS.glob("[0-9]*.py") if file.name[:4] >= SINCE)
HARMLESS = {
    "create_table",
    "create_index",
    "drop_index",
    "get_bind",
    "get_context",
    "f",
    "bulk_insert",
    "create_unique_constraint",
}
HARMLESS_SQL = re.compile(r"\s*(CREATE|INSERT|UPDATE|SELECT|ANALYZE|PRAGMA)\b", re.IGNORECASE)


class Recorder:
    """Stands for Alembic's `op`, and collects what is no mere addition."""

    def __init__(self, dialect: str) -> None:
        self.problems: list[str] = []
        self._dialect = dialect

    def get_bind(self) -> Any:
        """A connection that knows its dialect alone."""
        recorder = self

        class Bind:
            class dialect:  # noqa: N801 - SQLAlchemy's name
                name = recorder._dialect

            def execute(self, statement: object, *_: object) -> None:
                recorder.execute(statement)

        return Bind()

    def add_column(self, *arguments: Any, **_: Any) -> None:
        column = next(argument for argument in arguments if isinstance(argument, sa.Column))
        if not column.nullable and column.server_default is None:
            self.problems.append(f"{column.name}: NOT NULL without a server default")

    def execute(self, statement: object, *_: object) -> None:
        if not HARMLESS_SQL.match(str(statement)):
            self.problems.append(str(statement)[:60])

    @contextmanager
    def batch_alter_table(self, *_: object, **__: object) -> Any:
        yield self

    def __getattr__(self, name: str) -> Any:
        if name not in HARMLESS:
            return lambda *arguments, **_: self.problems.append(f"{name} {arguments[:2]}")
        return lambda *_, **__: None


def _load(file: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"migration_{file.stem}", file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("file", MIGRATIONS, ids=lambda file: file.stem)
def test_a_migration_only_adds_or_says_why_no_running_release_needs_what_it_removes(file: Path, dialect: str) -> None:
    module, recorder = _load(file), Recorder(dialect)
    module.op = recorder  # type: ignore[attr-defined]

    module.upgrade()

    assert recorder.problems == [] or getattr(module, "CONTRACT", "")


@pytest.mark.parametrize(
    "upgrade",
    [
        lambda op: op.drop_column("paper", "doi"),
        lambda op: op.drop_table("paper"),
        lambda op: op.alter_column("paper", "doi", nullable=False),
        lambda op: op.rename_table("paper", "papers"),
        lambda op: op.execute("ALTER TABLE paper DROP COLUMN doi"),
        lambda op: op.execute("delete from paper"),
        lambda op: op.add_column("paper", sa.Column("x", sa.Integer(), nullable=False)),
    ],
    ids=["drop column", "drop table", "not null", "rename", "sql", "delete", "no default"],
)
def test_what_an_old_process_would_miss_is_noticed(upgrade: Any) -> None:
    recorder = Recorder("postgresql")

    upgrade(recorder)

    assert recorder.problems
