"""Every supported Python of this machine runs the demo from the locked wheels; for the others the lock resolves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT, not_run
from tests.packaging.conftest import CommandResult, mails, play_demo, run
from tests.patience import PATIENCE

SUPPORTED = [
    line.rpartition(" :: ")[2]
    for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    if line.startswith("Programming Language :: Python :: 3.")
]
NO_INDEX = ("Failed to fetch", "dns error", "error sending request", "Connection refused", "Network is unreachable")
pytestmark = pytest.mark.pythons


def find(version: str) -> Path | None:
    """A Python of that version that runs: from PATH, else from pyenv's folder. A shim may be there and run nothing."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = [
        shutil.which(f"python{version}"),
        *sorted((root / "versions").glob(f"{version}.*/bin/python3"), reverse=True),
    ]
    candidates = [sys.executable, *(python for python in installed if python)]
    return next((Path(python) for python in candidates if _version(python) == version), None)


def _version(python: str | Path) -> str:
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        result = subprocess.run([python, "-c", question], capture_output=True, text=True, timeout=PATIENCE, check=False)
    except OSError:
        return ""
    return result.stdout.strip()


AVAILABLE = {version: python for version in SUPPORTED if (python := find(version))}


def uv(*command: str | Path) -> CommandResult:
    """Run uv, which knows other Pythons' wheels. Not run where uv or an index is missing."""
    if (program := shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")) is None:
        not_run("uv is not installed")
    result = run([program, *command], cwd=ROOT, check=False)
    if result.code and any(sign in result.text for sign in NO_INDEX):
        not_run("no package index can be reached")
    return result


@pytest.mark.parametrize("version", AVAILABLE)
def test_the_demo_runs_from_the_locked_wheels(version: str, wheel: Path, namesakes: Path, tmp_path: Path) -> None:
    uv("venv", "-q", "--python", AVAILABLE[version], tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    locked = ROOT / "requirements.txt"
    result = uv("pip", "install", "-q", "--python", python, "--require-hashes", "--only-binary", ":all:", "-r", locked)
    assert result.code == 0, result.text
    uv("pip", "install", "-q", "--python", python, "--no-deps", "--offline", wheel)

    played = play_demo(tmp_path / "venv" / "bin" / "digest", namesakes, tmp_path / "data")

    assert played.code == 0, played.text
    assert mails(tmp_path / "data") >= 20


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("version", SUPPORTED)
def test_the_lock_is_whole_and_all_wheels(version: str, machine: str, tmp_path: Path) -> None:
    locked, platform = ROOT / "requirements.txt", f"{machine}-manylinux_2_28"
    options = ["--python-version", version, "--python-platform", platform, "--only-binary", ":all:", "-q", locked]
    result = uv("pip", "compile", *options, "-o", tmp_path / "resolved.txt")

    assert result.code == 0, result.text
