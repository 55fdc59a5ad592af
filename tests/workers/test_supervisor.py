"""`digest up`'s processes: restarted when they die, ended whenever it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.redis import connect
from tests.conftest import ROOT
from tests.patience import PATIENCE, wait_for
from tests.processes import children, has_ended

STEADY = "import os,time; open('{0}','a').write(f'{{os.getpid()}} ' + os.environ['DIGEST_REDIS_URL'] + chr(10)); "
SLEEP = "time.sleep(600)"
DRAIN = "import os,signal; signal.signal(15, lambda *_: (open('{0}','a').write('drained'), os._exit(0))); "


@contextmanager
def supervised(*scripts: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.workers.supervisor_main", *scripts]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def starts_of_children(path: Path) -> list[tuple[int, str]]:
    """The pid and the Redis URL of every start."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(line.split()[0]), line.split()[1]) for line in lines if " " in line]


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    path = tmp_path / "births"
    with supervised((STEADY + SLEEP).format(path)) as supervisor:
        wait_for(lambda: len(starts_of_children(path)) == 1)
        os.kill(starts_of_children(path)[0][0], signal.SIGKILL)

        wait_for(lambda: len(starts_of_children(path)) == 2)
        supervisor.terminate()
        code = supervisor.wait(PATIENCE)

    assert code == 0
    assert starts_of_children(path)[0][1] == starts_of_children(path)[1][1]


def test_sigterm_lets_the_children_drain(tmp_path: Path) -> None:
    path = tmp_path / "births"
    with supervised((DRAIN + STEADY + SLEEP).format(path)) as supervisor:
        wait_for(lambda: len(starts_of_children(path)) == 1)
        connect(starts_of_children(path)[0][1]).ping()
        supervisor.terminate()
        supervisor.wait(PATIENCE)

    assert path.read_text().endswith("drained")
    assert not Path(starts_of_children(path)[0][1].removeprefix("unix://")).exists()


def test_a_killed_supervisor_takes_all_its_processes_along(tmp_path: Path) -> None:
    path = tmp_path / "births"
    with supervised((STEADY + SLEEP).format(path)) as supervisor:
        wait_for(lambda: len(starts_of_children(path)) == 1)
        pids = [starts_of_children(path)[0][0], *children(supervisor.pid)]
        supervisor.kill()
        supervisor.wait(PATIENCE)

    wait_for(lambda: all(has_ended(pid) for pid in pids))
    assert len(set(pids)) == 2  # the child itself, and Redis


SERVICE_OF_ONE_CHILD = """
import sys
from pathlib import Path
from workers import supervisor
child = "from digest import settings; open(sys.argv[1], 'a').write(settings.get().redis_url + chr(10))"
supervisor.service_commands = lambda port: {"child": [sys.executable, "-c", "import sys; " + child, sys.argv[1]]}
supervisor.up(supervisor.ServiceSettings(1, Path(sys.argv[2]), "redis://from-a-file:1", "INFO"))
"""


def test_the_address_of_redis_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "redis-url").write_text("redis://from-a-file:1")
    environment = {**os.environ, "DIGEST_REDIS_URL_FILE": str(tmp_path / "redis-url")}
    environment.pop("DIGEST_REDIS_URL", None)
    path = tmp_path / "addresses"
    command = [sys.executable, "-c", SERVICE_OF_ONE_CHILD, str(path), str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            wait_for(lambda: path.exists() and path.read_text().endswith("\n"))
        finally:
            process.terminate()

    assert path.read_text().splitlines()[0] == "redis://from-a-file:1"
