"""What root writes belongs to the owner of the folder, so that the service can use it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from digest.db.core import engine, schema_migration
from digest.replace_file import make_private_folder, move_file, replace_file
from tests.conftest import not_run

SERVICE_USER = 65534


@pytest.fixture
def folder_of_service(tmp_path: Path) -> Path:
    if os.geteuid() != 0:
        not_run("only root can create files of other users")
    folder = tmp_path / "installation"
    folder.mkdir()
    os.chown(folder, SERVICE_USER, SERVICE_USER)
    return folder


def owners(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_uid for path in folder.rglob("*")}


def test_folders_files_and_moved_files_belong_to_the_owner_of_their_folder(folder_of_service: Path) -> None:
    make_private_folder(folder_of_service / "data" / "backups")
    replace_file(folder_of_service / "data" / "key", b"secret")
    (folder_of_service.parent / "copy").write_bytes(b"rows")
    move_file(folder_of_service.parent / "copy", folder_of_service / "data" / "digest.db")

    assert set(owners(folder_of_service).values()) == {SERVICE_USER}, owners(folder_of_service)
    assert (folder_of_service / "data" / "digest.db").read_bytes() == b"rows"
    assert not (folder_of_service.parent / "copy").exists()


def test_a_database_that_root_creates_belongs_to_the_service(
    folder_of_service: Path, configured: Callable[..., None]
) -> None:
    configured(DATA_DIR=folder_of_service / "data", DATABASE_URL="")
    schema_migration.upgrade()
    try:
        assert {path.name for path in (folder_of_service / "data").iterdir()} >= {"digest.db"}
        assert set(owners(folder_of_service).values()) == {SERVICE_USER}, owners(folder_of_service)
    finally:
        engine.engine().dispose()
        engine.dispose_engines()
