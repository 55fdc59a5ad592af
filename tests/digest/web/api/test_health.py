"""`/readyz`: ready only where a page can be served and its changes stored."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from digest.db.core import engine
from tests.digest.web.conftest import METRICS, Browser
from tests.small_disk import SmallDisk

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@SQLITE
def test_a_full_disk_is_not_ready_until_space_is_free_again(
    web: Browser, database: str, configured: Callable[..., None], tmp_path: Path
) -> None:
    engine.dispose_engines()
    with SmallDisk(tmp_path / "small", 8) as disk:
        copy = shutil.copy(database.removeprefix("sqlite:///"), disk.folder / "digest.db")
        configured(DATABASE_URL=f"sqlite:///{copy}")
        before = web.get("/readyz")
        disk.fill()
        full = web.get("/readyz", headers=METRICS)
        disk.clear()
        after = web.get("/readyz")
        engine.dispose_engines()

    assert [response.status_code for response in (before, full, after)] == [200, 503, 200]
    assert full.json()["database"] == "its disk is full; free space there"


@SQLITE
def test_a_database_that_is_deleted_is_not_ready_and_not_replaced_by_an_empty_one(web: Browser, database: str) -> None:
    file = Path(database.removeprefix("sqlite:///"))
    web.get("/readyz")
    moved = file.rename(file.with_name("moved.db"))
    without_file = [web.get(page) for page in ("/readyz", "/trending")]
    was_created = file.exists()
    moved.rename(file)

    assert [response.status_code for response in without_file] == [503, 503]
    assert not was_created
    assert web.get("/readyz").status_code == 200


@SQLITE
def test_a_database_that_is_replaced_while_in_use_is_not_ready_and_the_new_one_stays_as_it_is(
    web: Browser, database: str, tmp_path: Path
) -> None:
    file = Path(database.removeprefix("sqlite:///"))
    web.get("/readyz")
    engine.engine().dispose()
    copy = Path(shutil.copy(file, tmp_path / "copy.db"))
    web.post("/subscribe", data={"address": "ada@digest.example", "topics": "graphs"})  # into the log of the first file
    copy.replace(file)
    content = file.read_bytes()
    responses = [web.get("/readyz"), web.post("/subscribe", data={"address": "b@digest.example", "topics": "graphs"})]

    assert [response.status_code for response in responses] == [503, 503]
    assert file.read_bytes() == content
