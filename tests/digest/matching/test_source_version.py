"""The version of generated files: it changes with the sources that it names, and with no other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.matching.source_version import source_version


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `versioned` with the modules `rules` and `pages`, and a word list."""
    folder = tmp_path / "versioned"
    folder.mkdir()
    for name in ("__init__.py", "rules.py", "pages.py", "words.txt"):
        (folder / name).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    source_version.cache_clear()
    yield folder
    source_version.cache_clear()
    sys.modules.pop("versioned", None)


@pytest.mark.parametrize(
    ("name", "changed", "is_other"),
    [
        ("versioned", "rules.py", True),
        ("versioned", "words.txt", True),
        ("versioned.rules", "rules.py", True),
        ("versioned.rules", "pages.py", False),
    ],
)
def test_a_version_changes_with_the_sources_it_names(package: Path, name: str, changed: str, is_other: bool) -> None:
    before = source_version(name)
    (package / changed).write_text("pass\n")
    source_version.cache_clear()

    assert (source_version(name) != before) is is_other
