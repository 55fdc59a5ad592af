"""SQL stands under digest/db only: other modules pass sessions on and read rows by their id, but build no statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

DATABASE, TABLES = ROOT / "digest" / "db", ROOT / "digest" / "models"
# Types that pass through other layers. A unit of work (get by id, add, flush) needs no statement.
TYPES = {"Engine", "Session", "SQLModel"}
ERRORS = {"IntegrityError", "InterfaceError", "OperationalError", "SQLAlchemyError"}
RUNS_STATEMENTS = {"delete", "exec", "exec_driver_sql", "execute", "query", "scalar", "scalars"}


def modules_outside_the_database_layer() -> list[Path]:
    modules = [path for top in ("digest", "workers", "seeds") for path in sorted((ROOT / top).rglob("*.py"))]
    assert len(modules) > 300
    return [path for path in modules if not path.is_relative_to(DATABASE) and not path.is_relative_to(TABLES)]


def sql_in(source: str) -> Iterator[str]:
    """Imports that build statements, and calls that run them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.partition(".")[0] in {"sqlalchemy", "sqlmodel"})
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in {"sqlalchemy", "sqlmodel"}:
            allowed = ERRORS if node.module == "sqlalchemy.exc" else TYPES
            yield from (name.name for name in node.names if name.name not in allowed)
        elif isinstance(node, ast.Attribute) and node.attr in RUNS_STATEMENTS and is_session(node.value):
            yield ast.unparse(node)


def is_session(node: ast.expr) -> bool:
    """True for a session or a connection, by its name, and for a session's connection."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in {"connection", "get_connection"}
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.lstrip("_") in {"session", "connection"}


def test_only_the_database_layer_builds_and_runs_statements() -> None:
    sql_by_module = {
        str(path.relative_to(ROOT)): sorted(set(sql_in(path.read_text(encoding="utf-8"))))
        for path in modules_outside_the_database_layer()
    }

    assert {module: sql for module, sql in sql_by_module.items() if sql} == {}


@pytest.mark.parametrize(
    ("source", "sql"),
    [
        ("from sqlmodel import Session, select", ["select"]),
        ("from sqlalchemy import select as sql", ["select"]),
        ("from sqlalchemy.dialects import postgresql", ["postgresql"]),
        ("import sqlalchemy as sa", ["sqlalchemy"]),
        ("rows = self._session.execute(statement)", ["self._session.execute"]),
        ("session.connection().scalar(statement)", ["session.connection().scalar"]),
        ("from sqlalchemy.exc import IntegrityError\nsession.get(Run, 1)\nsession.add(run)\nsession.flush()", []),
    ],
)
def test_statements_are_recognized(source: str, sql: list[str]) -> None:
    assert list(sql_in(source)) == sql
