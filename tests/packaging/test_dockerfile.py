"""The Dockerfile: free of known mistakes, installs locked wheels, does not run as root, copies existing files."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from pathlib import Path

from tests.conftest import ROOT, not_run
from tests.packaging.conftest import run

LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()


def instruction_values(instruction: str) -> list[str]:
    """The value of each instruction of that name, in order."""
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(f"{instruction} ")]


def test_the_linter_finds_nothing() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if program is None:
        not_run("hadolint has no wheel for this machine")

    result = run([program, "--failure-threshold", "style", ROOT / "Dockerfile"], check=False)

    assert (result.code, result.text) == (0, "")


def test_everything_is_installed_from_the_lock_as_wheels() -> None:
    installs = [line for line in instruction_values("RUN") if "pip install" in line]

    assert "--require-hashes --only-binary :all: -r requirements.txt" in installs[0]
    assert all("--no-deps --no-build-isolation" in line for line in installs[1:])


def test_what_is_copied_is_there_and_is_not_kept_from_the_build() -> None:
    copied = {word for line in instruction_values("COPY") if "--from" not in line for word in line.split()[:-1]}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert all((ROOT / name).exists() for name in copied)
    assert copied == allowed


def test_every_package_of_the_wheel_is_copied() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

    assert {f"{name} {name}" for name in packages} <= set(instruction_values("COPY"))


def test_it_runs_as_a_numeric_non_root_user() -> None:
    assert instruction_values("USER")[-1] == "10001:10001"


def test_it_starts_the_console_script_and_asks_it_for_its_health() -> None:
    command = instruction_values("HEALTHCHECK")[-1].partition("CMD ")[2]

    assert json.loads(instruction_values("ENTRYPOINT")[-1]) == ["digest"]
    assert json.loads(command)[:2] == ["digest", "healthcheck"]


def test_the_last_image_holds_no_tools_of_the_build() -> None:
    last = LINES[max(number for number, line in enumerate(LINES) if line.startswith("FROM ")) :]

    assert not any("pip install" in line for line in last)
    assert len(instruction_values("FROM")) > 1
