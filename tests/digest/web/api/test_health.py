"""`/readyz`: ready only where a page can be served and its changes stored."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from digest.db.core import engine
from tests.digest.web.conftest import METRICS, Browser
from tests.small_disk import SmallDisk


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
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
