"""`digest up` as a process, with a private Redis: health checks find its processes by DIGEST_DATA_DIR alone."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from digest.queues import QUEUES
from digest.redis import SCHEDULER, minimal_client, queue_kind, running_instance
from tests.conftest import ROOT
from tests.forked_processes import run_forked
from tests.patience import PATIENCE, wait_for

PROCESSES = ("web", "worker", "scheduler")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class InstalledFolder:
    """A folder with a file of settings, where commands are run."""

    def __init__(self, folder: Path, env_file: str = ".env") -> None:
        self.folder, self.state = folder, folder / "state"
        self.env_file = folder / env_file
        self._options = [] if env_file == ".env" else ["--env-file", env_file]
        names = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
        self.environment = {**names, "PYTHONPATH": str(ROOT)}
        self.env_file.write_text(
            "DIGEST_SECRET_KEY=a-key-for-tests-of-at-least-32-bytes\nDIGEST_MAIL_FROM=papers@digest.example\n"
            f"DIGEST_SMTP_URL=smtp://127.0.0.1:1\nDIGEST_DATA_DIR={self.state}\nDIGEST_SOURCES=\n"
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "workers.main", *self._options, *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and output."""
        ended = run_forked("workers.main", *self._options, *arguments, env=self.environment, folder=self.folder)
        return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of an installation after `digest migrate`, to be copied."""
    installation = InstalledFolder(tmp_path_factory.mktemp("migrated"))
    assert installation.run("migrate")[0] == 0
    return installation.state


@pytest.fixture
def installation(tmp_path: Path, migrated: Path) -> InstalledFolder:
    new_installation = InstalledFolder(tmp_path)
    shutil.copytree(migrated, new_installation.state)
    return new_installation


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[RunningUp]:
    """`digest up` with another file of settings and another port than it names. All its processes have begun."""
    installation = InstalledFolder(tmp_path_factory.mktemp("up"), "service.env")
    shutil.copytree(migrated, installation.state)
    process = installation.start("up", "--port", str(free_port()))
    try:
        wait_for(lambda: _has_begun(installation.state))
        yield RunningUp(installation, process)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


@dataclass(frozen=True, slots=True)
class RunningUp:
    """A running `digest up` and its folder."""

    installation: InstalledFolder
    process: subprocess.Popen[str]


def _has_begun(state: Path) -> bool:
    """The web process listens, and the others have recorded progress. To look costs no process."""
    instance = running_instance.find_instance(state)
    if instance is None:
        return False
    with socket.socket() as connection:
        if connection.connect_ex(("127.0.0.1", instance.port)):
            return False
    kinds = (SCHEDULER, *map(queue_kind, QUEUES))
    return all(minimal_client.progress(instance.redis_url, kind)[1] for kind in kinds)


def test_health_checks_find_the_processes_of_digest_up(up: RunningUp) -> None:
    for process in PROCESSES:
        wait_for(lambda name=process: up.installation.run("healthcheck", name)[0] == 0)  # type: ignore[misc]


def test_the_doctor_names_the_processes_that_run_with_an_earlier_version_of_the_settings(up: RunningUp) -> None:
    env_file = up.installation.env_file
    content = env_file.read_text()
    env_file.write_text(f"{content}DIGEST_SERVICE_NAME=Other\n")
    try:
        rows = json.loads(up.installation.run("doctor", "--json")[1])
    finally:
        env_file.write_text(content)

    texts = [row["text"] for row in rows if row["name"] == "processes"]
    assert all(text.endswith(f" with an earlier version of {env_file}") for text in texts)
    assert [text.partition("(")[2].partition(")")[0] for text in texts] == ["worker", "scheduler", "web"]


def test_what_checked_settings_and_database_is_not_loaded_while_digest_up_runs(up: RunningUp) -> None:
    mapped_files = Path(f"/proc/{up.process.pid}/maps").read_text()

    assert "libpython" in mapped_files or "python3" in mapped_files
    assert "sqlalchemy" not in mapped_files
    assert "pydantic_core" not in mapped_files


def test_a_run_waits_for_the_workers_of_digest_up_without_a_redis_in_the_settings(up: RunningUp) -> None:
    code, output = up.installation.run("run", "--wait")

    assert (code, output) == (0, "0 sent, 0 skipped (nothing new); 0 papers\n")


def test_health_checks_find_nothing_once_digest_up_has_ended(up: RunningUp) -> None:
    up.process.terminate()
    up.process.communicate(timeout=PATIENCE)

    code, error = up.installation.run("healthcheck", "worker")

    assert code == 2
    assert "no `digest up` runs with DIGEST_DATA_DIR=" in error
    assert not (up.installation.state / running_instance.FILE).exists()


def test_digest_up_ends_in_order_when_it_is_stopped_while_it_starts(installation: InstalledFolder) -> None:
    process = installation.start("up", "--port", str(free_port()))
    command = Path(f"/proc/{process.pid}/cmdline")
    wait_for(lambda: b"workers.supervisor" in command.read_bytes())

    process.terminate()
    output, error = process.communicate(timeout=PATIENCE)

    assert (process.returncode, "Traceback" in output + error) == (0, False)


def test_digest_up_prints_its_addresses_on_a_terminal(installation: InstalledFolder) -> None:
    port = free_port()
    main_end, terminal_end = pty.openpty()
    command = [sys.executable, "-P", "-m", "workers.main", "up", "--port", str(port)]
    printed = b""
    with subprocess.Popen(
        command, cwd=installation.folder, env=installation.environment, stdout=terminal_end, stderr=terminal_end
    ) as process:
        try:
            while b"Ctrl-C" not in printed and select.select([main_end], [], [], PATIENCE)[0]:
                printed += os.read(main_end, 10_000)
        finally:
            process.terminate()
            os.close(terminal_end)
            with contextlib.suppress(OSError):  # the terminal's end: all processes have closed it
                while os.read(main_end, 10_000):
                    pass
            os.close(main_end)

    lines = re.sub(r"\x1b\[[\d;]*m", "", printed.decode()).splitlines()
    assert lines[0].startswith(f"http://127.0.0.1:{port}  ")
    assert lines[1].startswith(f"http://127.0.0.1:{port}/admin  ")
    assert lines[2] == "stop with Ctrl-C"


def test_a_running_demo_is_not_taken_for_the_installation(tmp_path: Path) -> None:
    demo, up = running_instance.DEMO_FILE, running_instance.FILE
    with running_instance.recorded_instance(tmp_path, port=1, redis_url="unix:///demo", file_name=demo):
        assert running_instance.find_instance(tmp_path) is None
        with running_instance.recorded_instance(tmp_path, port=2, redis_url="unix:///up"):
            assert (tmp_path / demo).exists()
        assert not (tmp_path / up).exists()
    assert not (tmp_path / demo).exists()


def test_a_second_service_with_the_same_data_is_refused_and_the_first_stays_recorded(tmp_path: Path) -> None:
    installation = InstalledFolder(tmp_path)
    state = installation.state
    with running_instance.recorded_instance(state, port=1, redis_url="unix:///up"):
        code, error = installation.run("up", "--port", str(free_port()))

        assert (code, running_instance.find_instance(state) is not None) == (1, True)
    assert error == (
        f"digest: already running with DIGEST_DATA_DIR={state} (process {os.getpid()}, port 1); stop it first\n"
    )


def test_another_process_with_the_number_of_a_killed_service_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / running_instance.FILE).write_text(f'{{"pid": {os.getpid()}, "port": 1, "redis_url": ""}}')

    assert running_instance.find_instance(tmp_path) is None


def test_of_two_services_started_together_the_one_that_ends_first_leaves_the_record_of_the_other(
    tmp_path: Path,
) -> None:
    with running_instance.recorded_instance(tmp_path, port=1, redis_url="unix:///first"):
        (tmp_path / running_instance.FILE).unlink()
        (tmp_path / running_instance.FILE).write_text("of the other")

    assert (tmp_path / running_instance.FILE).read_text() == "of the other"


def test_a_second_demo_in_the_folder_of_one_that_runs_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    installation = InstalledFolder(tmp_path)
    (tmp_path / "mailbox").mkdir()
    (tmp_path / "demo.log").write_text("of the first")
    installation.environment["DIGEST_DATA_DIR"] = str(tmp_path)
    with running_instance.recorded_instance(
        tmp_path, port=1, redis_url="unix:///demo", file_name=running_instance.DEMO_FILE
    ):
        code, error = installation.run("demo", "--once", "--port", str(free_port()))

    assert code == 1
    assert "already running with DIGEST_DATA_DIR=" in error
    assert (tmp_path / "demo.log").read_text() == "of the first"


def test_digest_up_refuses_a_database_that_it_can_not_write(installation: InstalledFolder) -> None:
    with (installation.folder / ".env").open("a") as env_file:
        env_file.write(f"DIGEST_DATABASE_URL=sqlite:///{installation.state}\n")  # a folder: root may write all files

    code, error = installation.run("up", "--port", str(free_port()))

    assert code == 2
    assert error.startswith("digest: this user may not use the database's file (unable to open database file); ")
    assert error.count("\n") == 1


def test_digest_up_says_what_is_missing_before_anything_starts(tmp_path: Path) -> None:
    installation = InstalledFolder(tmp_path)

    code, error = installation.run("up", "--port", str(free_port()))

    assert code == 2
    assert error.startswith("digest: the database's schema is empty")
    assert error.endswith("run: digest migrate\n")


@pytest.mark.parametrize("command", ["up", "web"])
def test_a_port_that_is_taken_is_named_before_anything_starts(installation: InstalledFolder, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code, error = installation.run(command, "--port", str(port))

    assert code == 2
    assert error == f"digest: port {port} is in use; choose another with --port\n"
