"""The lock files: each holds all requirements of its packages, so that installing resolves nothing."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt")
ALL = (*LOCKS, "requirements-uv.txt")
_PIN = re.compile(r"^(?P<pin>[A-Za-z0-9._-]+(?:\[[^]]+\])?==[^\\\n]+?)\s*\\?$", re.MULTILINE)


def pins(lock: str) -> dict[str, Requirement]:
    """The locked versions for this platform, by name."""
    requirements = [Requirement(pin) for pin in _PIN.findall((ROOT / lock).read_text(encoding="utf-8"))]
    return {
        canonicalize_name(requirement.name): requirement
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate()
    }


def requirements_of(pin: Requirement) -> Iterator[Requirement]:
    """The requirements of the installed package here, with the extras that the lock names."""
    for text in distribution(pin.name).requires or []:
        requirement = Requirement(text)
        extras = ["", *pin.extras]
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            yield requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_all_requirements_of_a_locked_package_are_in_the_lock(lock: str) -> None:
    locked = pins(lock)
    missing = []
    for pin in locked.values():
        for requirement in requirements_of(pin):
            locked_pin = locked.get(canonicalize_name(requirement.name))
            version = str(locked_pin.specifier).removeprefix("==") if locked_pin else ""
            if (
                locked_pin is None
                or version not in requirement.specifier
                or not requirement.extras <= locked_pin.extras
            ):
                missing.append(f"{pin.name} asks for {requirement}")

    assert len(locked) > 60
    assert missing == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_package_has_the_same_version_wherever_it_is_locked(lock: str) -> None:
    all_pins = pins("requirements-dev.txt")

    assert {name: str(pin.specifier) for name, pin in pins(lock).items()} == {
        name: str(all_pins[name].specifier) for name in pins(lock)
    }
    assert str(pins("requirements-uv.txt")["uv"].specifier) == str(all_pins["uv"].specifier)


@pytest.mark.parametrize("lock", LOCKS)
def test_what_builds_a_package_from_source_is_locked_too(lock: str) -> None:
    assert {"hatchling", "editables", "setuptools"} <= set(pins(lock))


@pytest.mark.parametrize("lock", ALL)
def test_every_pin_has_hashes_and_no_index_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text)

    assert all("--hash=sha256:" in entry for entry in entries if not entry.startswith("#"))
    assert "://" not in text


@pytest.mark.parametrize("target", [".run", ".dev"])
def test_make_installs_the_locks_by_the_script_that_resolves_nothing(target: str, tmp_path: Path) -> None:
    command = ["make", "--dry-run", f"VENV={tmp_path}", str(tmp_path / target)]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    script = (ROOT / ".ci" / "install").read_text(encoding="utf-8")
    installs = [line for line in script.splitlines() if re.search(r"\b(pip|uv) install\b", line)]

    assert f".ci/install {tmp_path} requirements.txt" in output
    assert (f".ci/install {tmp_path} requirements-dev.txt" in output) == (target == ".dev")
    assert "pip install" not in output
    assert 'locked="--no-deps --require-hashes --no-build-isolation"' in script
    assert len(installs) >= 3
    assert all("--no-deps" in part or "$locked" in part for line in installs for part in line.split("&&")[:-1])
