"""Day indexes: built once, stored as files, rebuilt where a file is missing, truncated or foreign."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from digest import settings
from digest.db.core.engine import reading
from digest.matching.engine.paper_index import PaperIndex
from digest.services.catalog import announcements, day_indexes
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, paper

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def fresh() -> None:
    """As in a process that has just begun."""
    day_indexes._open_indexes.clear()


def index() -> PaperIndex:
    with reading() as session:
        (day,) = announcements.announcement_days(session, [MONDAY.toordinal()])
        return day_indexes.index_of_day(session, day)


def files() -> list[Path]:
    return sorted((settings.get().data_dir / "indexes").glob("*"))


@MAINLY_SQLITE
def test_the_file_of_one_process_serves_the_next(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    built_index = index()
    (file,) = files()
    written = file.stat().st_mtime_ns
    day_indexes._open_indexes.clear()
    read = index()

    assert (read.forms, read.stream.tolist()) == (built_index.forms, built_index.stream.tolist())
    assert file.stat().st_mtime_ns == written


@SQLITE
@pytest.mark.parametrize("harm", [lambda raw: raw[:-70], lambda raw: b"", lambda raw: b"x" * 500,
                                  lambda raw: raw[:20], lambda raw: raw[:-200] + bytes(200)])  # fmt: skip
def test_a_file_that_is_cut_or_not_ours_is_made_again(lab: Lab, harm: Callable[[bytes], bytes]) -> None:
    lab.announce(MONDAY, "Linear bandits", "Kernel methods", "Graph networks")
    index()
    (file,) = files()
    original = file.read_bytes()
    file.write_bytes(harm(original))
    day_indexes._open_indexes.clear()
    index()

    assert file.read_bytes() == original


@SQLITE
def test_a_paper_more_gives_a_new_file_and_the_old_one_goes(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    index()
    (old,) = files()
    lab.store(MONDAY, paper(2, "Dueling bandits"))
    read_index = index()

    assert read_index.paper_count == 2
    assert [file != old for file in files()] == [True]


@SQLITE
def test_where_nothing_can_be_written_the_index_is_kept_in_memory(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    settings.get().data_dir.mkdir(parents=True, exist_ok=True)
    (settings.get().data_dir / "indexes").write_text("in the way")

    assert index() is index()


@SQLITE
def test_another_database_has_other_papers(lab: Lab, configured: Callable[..., None], tmp_path: Path) -> None:
    lab.announce(MONDAY, "Linear bandits")
    with reading() as session:
        (day,) = announcements.announcement_days(session, [MONDAY.toordinal()])
    state = announcements.papers_fingerprint(day.papers)
    configured(DATABASE_URL=f"sqlite:///{tmp_path / 'other.db'}")

    assert announcements.papers_fingerprint(day.papers) != state
