"""`digest ingest` against a local server, as a person types it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from digest.db.core import engine
from tests.digest.sources.conftest import WEEK, real_days
from tests.forked_processes import run_forked
from tests.wire_server import WireServer, status

MON, TUE = WEEK[0], WEEK[1]


def ingest(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_forked("workers.main", "ingest", *arguments)


@pytest.fixture
def server(wire: WireServer, shared: Path, tmp_path: Path, configured: Callable[..., None]) -> WireServer:
    wire.works, wire.today = real_days(shared, 8, [MON, TUE]), TUE
    configured(DATABASE_URL=f"sqlite:///{tmp_path / 'digest.db'}")
    SQLModel.metadata.create_all(engine.engine())
    return wire


def test_days_are_fetched_and_counted_and_again_nothing_changes(server: WireServer) -> None:
    command = ("arxiv-oai", "--from", str(MON), "--to", str(TUE), "--json")
    first, second = ingest(*command), ingest(*command)

    assert json.loads(first.stdout) == {"source": "arxiv-oai", "new": 16, "updated": 0, "unchanged": 0, "bad": 0}
    assert json.loads(second.stdout) == {"source": "arxiv-oai", "new": 0, "updated": 0, "unchanged": 16, "bad": 0}


def test_a_source_that_is_down_is_one_line_and_exit_1(server: WireServer) -> None:
    server.fail("oai", status(404), times=9)
    output_json = ingest("arxiv-oai", "--from", str(MON), "--to", str(MON))

    assert (output_json.returncode, output_json.stdout) == (1, "")
    assert "answered 404" in output_json.stderr
    assert "Traceback" not in output_json.stderr


def test_days_for_files_are_wrong_usage(server: WireServer) -> None:
    output_json = ingest("arxiv-rss", "--from", str(MON), "--file", "x.xml")

    assert output_json.returncode == 2
    assert "--from and --to can't be used with files" in output_json.stderr
