"""`digest migrate`: the matching engine is compiled where it is needed or requested, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from digest.db.core import schema_migration
from digest.db.core.engine import transaction
from digest.services.selection import engine_loader, engine_need
from tests.digest.cli.conftest import Terminal

SAYS = "compiling the matching engine, about a minute, once\nthe matching engine is compiled\n"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Grows by one with each (stubbed) compilation."""
    calls: list[None] = []
    monkeypatch.setattr(engine_loader, "engine", lambda: calls.append(None))
    monkeypatch.setattr(engine_loader, "is_compiled", lambda: bool(calls))
    return calls


@pytest.fixture
def new(terminal: Terminal, configured: Callable[..., None], tmp_path: Path) -> Terminal:
    configured(DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")
    return terminal


def test_a_small_installation_compiles_nothing(new: Terminal, compilations: list[None]) -> None:
    output = new.ok("migrate")

    assert "compil" not in output
    assert compilations == []


def test_compilation_on_request_happens_once_and_is_reported(new: Terminal, compilations: list[None]) -> None:
    first, second_output = new.ok("migrate", "--compile"), new.ok("migrate", "--compile")

    assert SAYS in first
    assert "compil" not in second_output
    assert len(compilations) == 1


@pytest.mark.parametrize(("options", "count"), [([], 1), (["--no-compile"], 0)])
def test_a_large_installation_compiles_unless_an_option_forbids_it(
    new: Terminal, compilations: list[None], monkeypatch: pytest.MonkeyPatch, options: list[str], count: int
) -> None:
    monkeypatch.setattr(engine_need, "REFERENCE_WORK", -1)

    output = new.ok("migrate", *options)

    assert len(compilations) == count
    assert (SAYS in output) == bool(count)


@pytest.mark.parametrize(
    ("schema", "code", "words"),
    [(None, 0, "the newest"), ("0014", 3, "run: digest migrate"), ("9999", 4, "of a newer release")],
)
def test_a_check_says_by_its_exit_code_how_the_schema_stands_and_changes_nothing(
    ready: Terminal, schema: str | None, code: int, words: str
) -> None:
    if schema:
        with transaction() as session:
            session.connection().execute(text(f"UPDATE alembic_version SET version_num = '{schema}'"))
    before = schema_migration.current_revision()

    result = ready.run("migrate", "--check")

    assert (result.exit_code, words in result.output) == (code, True)
    assert schema_migration.current_revision() == before


@pytest.mark.parametrize("name", ["none.db", "folder/none.db", "with%20blank.db"])
def test_a_check_of_a_missing_sqlite_file_creates_nothing(
    terminal: Terminal, configured: Callable[..., None], tmp_path: Path, name: str
) -> None:
    configured(DATABASE_URL=f"sqlite:///{tmp_path / 'data' / name}", DATA_DIR=tmp_path / "data")

    result = terminal.run("migrate", "--check")

    assert (result.exit_code, "the schema is empty" in result.output) == (3, True)
    assert not (tmp_path / "data").exists()


def test_a_check_of_a_database_without_tables_makes_none(new: Terminal, tmp_path: Path) -> None:
    assert new.run("migrate", "--check").exit_code == 3
    assert schema_migration.current_revision() is None
