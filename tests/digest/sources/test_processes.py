"""Fetchers as real processes: killed and started again, and several at once. The server's log decides."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel, select

from digest.db.core import engine
from digest.db.core.engine import reading
from digest.models import Announcement, Paper, PaperKey, PaperVersion, SourceDay
from digest.redis import PrivateRedis
from digest.services.ingestion import catch_up
from digest.sources import request_turns
from tests.digest.sources.conftest import WEEK, real_days
from tests.forked_processes import ForkedProcess
from tests.patience import PATIENCE, wait_for
from tests.wire_server import LoggedRequest, WireServer

MON, FRI = WEEK[0], WEEK[-1]


def fetcher(source: str = "arxiv-oai") -> ForkedProcess:
    return ForkedProcess("tests.digest.sources.fetcher_main", source, str(MON), str(FRI))


def content() -> dict[str, Any]:
    """What a database holds, without the times at which and the batches in which it came."""
    with reading() as session:
        versions = session.exec(select(PaperVersion).order_by(PaperVersion.paper_id, PaperVersion.revision)).all()
        papers = session.exec(select(Paper).order_by(Paper.id)).all()
        return {
            "papers": [(p.id, p.arxiv_id, p.announcement_id, p.revision, p.withdrawn, p.announce_type) for p in papers],
            "versions": [(v.paper_id, v.revision, v.title, v.abstract, v.detail) for v in versions],
            "keys": sorted(session.exec(select(PaperKey.key, PaperKey.paper_id)).all()),
            "days": sorted(session.exec(select(SourceDay.day, SourceDay.papers, SourceDay.final)).all()),
            "announcements": sorted(session.exec(select(Announcement.day)).all()),
        }


@pytest.fixture
def undisturbed(
    wire: WireServer, shared: Path, tmp_path: Path, configured: Callable[..., None]
) -> Iterator[tuple[dict[str, Any], float]]:
    """The result of an undisturbed catch-up of the week, and the seconds from its first request to its end."""
    wire.works, wire.today, wire.page = real_days(shared, 25), FRI, 10
    configured(DATABASE_URL=f"sqlite:///{tmp_path / 'undisturbed.db'}")
    SQLModel.metadata.create_all(engine.engine())
    assert fetcher().wait(PATIENCE) == 0
    yield content(), wire.log[-1].ended - wire.log[0].began_at
    engine.engine().dispose()


def _killed_and_restarted(moment: float, wire: WireServer) -> None:
    """One catch-up killed that long after its first request, and one that goes on."""
    wire.log.clear()
    process = fetcher()
    wait_for(lambda: wire.log)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
    assert fetcher().wait(PATIENCE) == 0


@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.soak)])
def test_a_catch_up_killed_at_any_moment_ends_in_the_same_database(
    undisturbed: tuple[dict[str, Any], float],
    wire: WireServer,
    tmp_path: Path,
    configured: Callable[..., None],
    times: int,
) -> None:
    expected_rows, seconds = undisturbed
    rng = random.Random(times)

    for number in range(times):
        configured(DATABASE_URL=f"sqlite:///{tmp_path / f'killed-{number}.db'}")
        SQLModel.metadata.create_all(engine.engine())
        _killed_and_restarted(rng.uniform(0, seconds), wire)

        assert content() == expected_rows
        engine.engine().dispose()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_on_postgresql_too(
    undisturbed: tuple[dict[str, Any], float], wire: WireServer, configured: Callable[..., None], database: str
) -> None:
    expected_rows, seconds = undisturbed
    configured(DATABASE_URL=database)

    _killed_and_restarted(seconds / 2, wire)

    stored_rows = content()
    assert [row[1:] for row in stored_rows["papers"]] == [row[1:] for row in expected_rows["papers"]]
    assert stored_rows["days"] == expected_rows["days"]


def pauses(log: list[LoggedRequest]) -> list[float]:
    """Seconds from the end of each request to the beginning of the next, in the order of their beginnings."""
    ordered = sorted(log, key=lambda request: request.began_at)
    return [after.began_at - before.ended for before, after in pairwise(ordered)]


@pytest.fixture(params=["redis", "file"])
def machines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[dict[str, str]]]:
    """The environments of fetchers: machines of their own that share a Redis, or processes of one without."""
    if request.param == "file":
        yield [{}, {}, {}]
        return
    with PrivateRedis() as server:
        folders = [tmp_path / name for name in ("one", "two", "three")]
        yield [{"DIGEST_REDIS_URL": server.url, "DIGEST_DATA_DIR": str(folder)} for folder in folders]


@pytest.mark.parametrize("interval", [0.2, pytest.param(3.0, marks=pytest.mark.soak)])
def test_fetchers_on_several_machines_leave_arxiv_its_pause_over_all_services(
    wire: WireServer,
    shared: Path,
    tmp_path: Path,
    configured: Callable[..., None],
    machines: list[dict[str, str]],
    interval: float,
) -> None:
    wire.works, wire.today, wire.delay = real_days(shared, 5, [MON, FRI]), FRI, 0.1
    configured(DATABASE_URL=f"sqlite:///{tmp_path / 'all.db'}", ARXIV_INTERVAL=interval)
    SQLModel.metadata.create_all(engine.engine())

    running = []
    for source, machine in zip(("arxiv-oai", "arxiv-api", "arxiv-oai"), machines, strict=True):
        arguments = (source, str(MON), str(MON))
        running.append(ForkedProcess("tests.digest.sources.fetcher_main", *arguments, env={**os.environ, **machine}))
    codes = [process.wait(PATIENCE) for process in running]

    assert codes == [0, 0, 0]
    assert {request.service for request in wire.log} == {"oai", "api"}
    assert len(wire.log) >= 7
    assert min(pauses(wire.log)) >= interval - 0.02


def test_an_ended_holder_blocks_no_other_process(
    wire: WireServer, shared: Path, tmp_path: Path, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.works, wire.today, wire.delay = real_days(shared, 5, [MON]), FRI, 3.0
    configured(DATABASE_URL=f"sqlite:///{tmp_path / 'all.db'}")
    SQLModel.metadata.create_all(engine.engine())
    holder = fetcher()
    wait_for(lambda: wire.log)
    holder.send_signal(signal.SIGKILL)
    holder.wait(PATIENCE)
    wire.delay = 0.0
    waits: list[float] = []
    monkeypatch.setattr(request_turns, "_wait", lambda seconds, _give_up, _name: waits.append(seconds))

    catch_up.ingest("arxiv-oai", first=MON, last=FRI)

    assert len(wire.log) > 1
    # Only the pause before each request; no wait for the turn of the ended process.
    assert len(waits) == len(wire.log) - 1
