"""The wheel, built once, and clean places to install it into."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.once_per_run import once_per_run
from tests.packaging import alone

NAMESAKE = 'raise ImportError("the folder\'s own package was imported, not ours")\n'


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built without an index."""
    return once_per_run(tmp_path_factory, "wheel", lambda: _build_wheel(tmp_path_factory.mktemp("wheel")))


def _build_wheel(folder: Path) -> Path:
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT], cwd=folder)
    (wheel_file,) = folder.glob("*.whl")
    return wheel_file


@pytest.fixture(scope="session")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; the dependencies are those of this one, our own sources are not there."""
    return once_per_run(tmp_path_factory, "clean", lambda: _install(wheel, tmp_path_factory.mktemp("clean") / "venv"))


def _install(wheel: Path, place: Path) -> Path:
    run([sys.executable, "-m", "venv", "--without-pip", place])
    python = place / "bin" / "python"
    # Names the folder alone: the editable install that lies in it is not followed from here.
    (site_of(python) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run([sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel])
    return place


@pytest.fixture(scope="session")
def namesakes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `workers/` and a `templates/` of its own, which nobody may import."""
    folder = tmp_path_factory.mktemp("somewhere")
    for name in ("workers", "templates"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(NAMESAKE)
    return folder


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of a command: exit code, standard output and standard error."""

    code: int
    output: str
    error: str

    @property
    def text(self) -> str:
        return self.output + self.error


def run(
    command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, check: bool = True
) -> CommandResult:
    """Run a command with an environment free of our settings."""
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=plain_environment() | dict(env or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if check:
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return CommandResult(result.returncode, result.stdout, result.stderr)


def plain_environment() -> dict[str, str]:
    """The environment without what could lead to this tree or change a setting."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("DIGEST_", "PYTHON", "VIRTUAL_ENV"))}


def site_of(python: Path) -> Path:
    """The folder of that interpreter's packages."""
    result = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    return Path(result.text.strip())


def two_free_ports() -> int:
    """A port that is free, as is the next one."""
    while True:
        with socket.socket() as first_socket, socket.socket() as other:
            first_socket.bind(("127.0.0.1", 0))
            port = int(first_socket.getsockname()[1])
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def play_demo(digest: Path, folder: Path, data: Path) -> CommandResult:
    """`digest demo --once` in that folder; its mails end in `data`."""
    command = [digest, "demo", "--once", "--port", str(two_free_ports())]
    return run(command, cwd=folder, env={"DIGEST_DATA_DIR": str(data)}, check=False)


def mails(data: Path) -> int:
    """How many mails the demo left there."""
    return len(list((data / "mailbox" / "new").iterdir()))


def run_alone(
    command: Sequence[str | Path], *, cwd: Path, data: Path, env: Mapping[str, str] | None = None
) -> CommandResult | None:
    """Run a command as in a container: it may write to DATA_DIR and TMPDIR alone, and has no network but the loopback.

    None where this machine allows no namespaces or mounts.
    """
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return None
    with tempfile.TemporaryDirectory(dir="/tmp") as temporary:  # a short path, as it holds sockets
        environment = {"DIGEST_DATA_DIR": str(data), "TMPDIR": temporary, "HOME": "/nonexistent", **(env or {})}
        namespaces = ["unshare", "--net", "--mount", sys.executable, alone.__file__, data, temporary, "--"]
        result = run([*namespaces, *command], cwd=cwd, env=environment, check=False)
    return None if result.code == alone.FORBIDDEN or result.text.startswith("unshare: ") else result


# Installed into an environment, it records every address that its processes connect to or resolve.
WATCH = """
import json, os, sys
def note(event, given):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = given[1] if event == "socket.connect" else given[0]
        with open(os.environ["CONNECTIONS"], "a") as out:
            out.write(json.dumps(address, default=repr) + "\\n")
if "CONNECTIONS" in os.environ:
    sys.addaudithook(note)
"""


@dataclass(frozen=True, slots=True)
class PlayedDemo:
    """A demo run. `was_alone`: by `run_alone`; else this machine does not allow that."""

    result: CommandResult
    folder: Path
    data: Path
    connections: list[object]
    was_alone: bool


@pytest.fixture(scope="session")
def played(clean: Path, namesakes: Path, tmp_path_factory: pytest.TempPathFactory) -> PlayedDemo:
    """The demo from the installed wheel, run once in a folder with packages of the same names."""
    return once_per_run(tmp_path_factory, "played", lambda: _play(clean, namesakes, tmp_path_factory.mktemp("data")))


def _play(clean: Path, folder: Path, data: Path) -> PlayedDemo:
    site = site_of(clean / "bin" / "python")
    (site / "watch_connections.py").write_text(WATCH)
    (site / "watch_connections.pth").write_text("import watch_connections\n")
    command = [clean / "bin" / "digest", "demo", "--once", "--port", str(two_free_ports())]
    environment = {"CONNECTIONS": str(data / "connections"), "COLUMNS": "80"}
    result = run_alone(command, cwd=folder, data=data, env=environment)
    was_alone = result is not None
    if result is None:
        result = run(command, cwd=folder, env={"DIGEST_DATA_DIR": str(data), **environment}, check=False)
    connections = [json.loads(line) for line in (data / "connections").read_text().splitlines()]
    return PlayedDemo(result, folder, data, connections, was_alone)
