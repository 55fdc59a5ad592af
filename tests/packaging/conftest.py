"""The wheel, built once, and clean places to install it into."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

NAMESAKE = 'raise ImportError("the folder\'s own package was imported, not ours")\n'


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built without an index."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT], cwd=folder)
    (wheel_file,) = folder.glob("*.whl")
    return wheel_file


@pytest.fixture(scope="session")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; the dependencies are those of this one, our own sources are not there."""
    place = tmp_path_factory.mktemp("clean") / "venv"
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
    """The result of a command: exit code and all output."""

    code: int
    text: str


def run(
    command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, check: bool = True
) -> CommandResult:
    """Run a command with an environment free of our settings."""
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=plain_environment() | dict(env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if check:
        assert result.returncode == 0, f"{command}\n{result.stdout}"
    return CommandResult(result.returncode, result.stdout)


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


def play_demo(digest: Path, folder: Path, data: Path, env: Mapping[str, str] | None = None) -> CommandResult:
    """`digest demo --once` in that folder; its mails end in `data`."""
    command = [digest, "demo", "--once", "--port", str(two_free_ports())]
    return run(command, cwd=folder, env={"DIGEST_DATA_DIR": str(data), **(env or {})}, check=False)


def mails(data: Path) -> int:
    """How many mails the demo left there."""
    return len(list((data / "mailbox" / "new").iterdir()))
