"""Tests lie at the path of what they test; docs/TESTING.md lists those modules that are tested elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROW = re.compile(r"^\| (`[^|]+) \| (`[^|]+) \| ([^|`]+) \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs" / "TESTING.md").read_text(encoding="utf-8"))


def quoted(cell: str) -> list[str]:
    """What stands between back-quotes."""
    return re.findall(r"`([^`]+)`", cell)


def modules_without_own_test() -> set[Path]:
    """Modules of the product that have no test file at the same path under tests/."""
    modules = {
        path.relative_to(ROOT)
        for top in ("digest", "workers", "seeds")
        for path in (ROOT / top).rglob("*.py")
        if path.name != "__init__.py" and path.parent.name != "versions"
    }
    assert len(modules) > 300
    return {path for path in modules if not (ROOT / "tests" / path.parent / f"test_{path.name}").exists()}


def test_each_module_has_its_own_test_or_a_row_with_the_reason() -> None:
    listed = {path.relative_to(ROOT) for row in ROWS for pattern in quoted(row[0]) for path in ROOT.glob(pattern)}

    assert modules_without_own_test() - listed == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`")[:60])
def test_a_row_names_modules_without_own_test_and_tests_that_exist(row: tuple[str, str, str]) -> None:
    missing = modules_without_own_test()
    idle = [pattern for pattern in quoted(row[0]) if not missing & {p.relative_to(ROOT) for p in ROOT.glob(pattern)}]

    assert idle == []
    assert [test for test in quoted(row[1]) if not (ROOT / test).is_file()] == []
    assert row[2].strip()
