"""Fingerprints of read files: what counts as a change, and what they tell without the key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest import file_fingerprints

KEY, OTHER_KEY = "a key for tests of at least 32 bytes", "another key of at least 32 bytes for tests"


@pytest.fixture(autouse=True)
def _no_read_files() -> Iterator[None]:
    file_fingerprints.forget_read_files()
    yield
    file_fingerprints.forget_read_files()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    new_file = tmp_path / "secret"
    new_file.write_text("hunter2")
    return new_file


def fingerprint(file: Path, *keys: str) -> dict[str, str]:
    """What a process records that has read the file, by its path."""
    file_fingerprints.note_read(file)
    return file_fingerprints.fingerprints_of_read_files(keys)


def test_other_content_of_the_same_length_and_time_is_a_change(file: Path) -> None:
    recorded = fingerprint(file, KEY)
    file.write_text("hunter3")

    assert file_fingerprints.changed_files(recorded, [KEY]) == [str(file)]


def test_a_mode_a_time_and_the_same_content_in_a_new_file_are_none(file: Path) -> None:
    recorded = fingerprint(file, KEY)
    file.chmod(0o600)
    copy = file.with_name("copy")
    copy.write_bytes(file.read_bytes())
    copy.replace(file)

    assert file_fingerprints.changed_files(recorded, [KEY]) == []


def test_a_file_that_is_created_later_is_a_change_and_one_that_is_missing_here_is_none(file: Path) -> None:
    created_later = file.with_name("later")
    fingerprint(created_later, KEY)
    recorded = fingerprint(file, KEY)
    created_later.write_text("new")
    file.unlink()

    assert file_fingerprints.changed_files(recorded, [KEY]) == [str(created_later)]


@pytest.mark.parametrize(("recorded_with", "compared_with"), [([KEY], [OTHER_KEY, KEY]), ([OTHER_KEY, KEY], [KEY])])
def test_a_key_that_one_side_does_not_have_yet_is_no_change_of_other_files(
    file: Path, recorded_with: list[str], compared_with: list[str]
) -> None:
    assert file_fingerprints.changed_files(fingerprint(file, *recorded_with), compared_with) == []


def test_the_same_content_has_another_fingerprint_with_another_key(file: Path) -> None:
    assert fingerprint(file, KEY) != fingerprint(file, OTHER_KEY)


def test_without_a_key_there_are_no_fingerprints_and_no_changes(file: Path) -> None:
    recorded = fingerprint(file, KEY)
    file.write_text("hunter3")

    assert file_fingerprints.fingerprints_of_read_files(()) == {}
    assert file_fingerprints.changed_files(recorded, ()) == []
