"""Imports: a command that only prints loads next to nothing, a process only what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from digest.db.core import engine, schema_migration
from digest.queues import QUEUES
from digest.redis import SCHEDULER, PrivateRedis, connect, queue_kind, running_instance
from tests.conftest import ROOT
from workers import healthcheck

MACHINE_CODE = {"numba", "llvmlite"}
OF_WORK = {
    "sqlalchemy",
    "sqlmodel",
    "alembic",
    "celery",
    "kombu",
    "numpy",
    "fastapi",
    "httpx",
    "structlog",
} | MACHINE_CODE
OF_MATCHING = MACHINE_CODE | {"numpy", "alembic"}
OF_COMMANDS = {"rich", "pygments", "httpx"}  # drawing on terminals, and clients of sources
_RUN = """
import json, sys
sys.argv = ["digest", *sys.argv[1:]]
from workers.main import run
try:
    run()
except SystemExit as ended:
    code = ended.code
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


def loaded(*arguments: str, folder: Path) -> tuple[int, set[str]]:
    """The exit code of a command, and the packages that it had imported by its end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", _RUN, *arguments]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    code, names = json.loads(result.stderr.splitlines()[-1])
    return code, set(names)


@cache
def imported_by(modules: str) -> set[str]:
    """The packages that importing these modules imports."""
    code = f"import sys, {modules}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["healthcheck", "--help"], ["up", "--help"]])
def test_what_only_says_something_loads_nothing_that_works(words: list[str], tmp_path: Path) -> None:
    code, names = loaded(*words, folder=tmp_path)

    assert code == 0
    assert names & (OF_WORK | {"redis", "rich", "pydantic_settings"}) == set()


@pytest.mark.parametrize("process", healthcheck.Process)
def test_a_health_check_loads_nothing_that_works(process: str, tmp_path: Path, configured: Callable[..., None]) -> None:
    with PrivateRedis() as server:
        for kind in (SCHEDULER, *map(queue_kind, QUEUES)):
            connect(server.url).record_progress(f"{healthcheck.socket.gethostname()}:1", kind)
        configured(REDIS_URL=server.url, PORT=1)
        code, names = loaded("healthcheck", process, folder=tmp_path)

    assert code == (1 if process == "web" else 0)
    assert names & (OF_WORK | {"redis", "rich", "pydantic_settings"}) == set()


@pytest.mark.parametrize(
    ("modules", "unneeded"),
    [
        ("workers.commands", OF_MATCHING),
        *((modules, OF_MATCHING | OF_COMMANDS) for modules in ("workers.supervisor", "workers.pools")),
        *(
            (modules, OF_MATCHING | OF_COMMANDS)
            for modules in ("workers.scheduler", "digest.web.app, digest.web.wiring")
        ),
    ],
)
def test_a_process_loads_no_machine_code_and_if_it_runs_for_long_nothing_of_commands_and_sources(
    modules: str, unneeded: set[str]
) -> None:
    assert imported_by(modules) & unneeded == set()


def test_the_supervisor_knows_no_settings_database_queue_or_command_line() -> None:
    unneeded = OF_WORK | OF_COMMANDS | {"pydantic", "pydantic_settings", "dotenv", "typer", "redis"}

    assert imported_by("workers.supervisor") & (unneeded - {"structlog"}) == set()


@pytest.fixture
def migrated(configured: Callable[..., None]) -> Iterator[None]:
    schema_migration.upgrade()
    yield
    engine.engine().dispose()


def test_asking_for_the_schema_needs_no_alembic_and_says_the_same(migrated: None, tmp_path: Path) -> None:
    from alembic.script import ScriptDirectory

    code = (
        "import sys; from digest.db.core import schema_migration; schema_migration.require_newest();"
        " print('alembic' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert result.stdout == "False\n"
    assert (
        schema_migration.newest_revision() == ScriptDirectory.from_config(schema_migration._config()).get_current_head()
    )


def test_a_note_of_a_process_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    (tmp_path / running_instance.FILE).write_text(
        json.dumps({"pid": ended.pid, "port": 1, "redis_url": "unix:///gone"})
    )

    assert running_instance.find_instance(tmp_path) is None
