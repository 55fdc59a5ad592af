"""The wheel: it holds everything the program needs, and packages of the same names elsewhere are not imported."""

from __future__ import annotations

import ipaddress
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.packaging.conftest import PlayedDemo, mails, run

PACKAGES = ("digest", "seeds", "templates", "workers")


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The paths in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_of_a_package_is_in_the_wheel(names: set[str], package: str) -> None:
    files = {file.relative_to(ROOT).as_posix() for file in (ROOT / package).rglob("*") if file.is_file()}
    source_files = {file for file in files if "__pycache__" not in file}

    assert source_files
    assert source_files <= names


def test_the_wheel_holds_our_packages_and_nothing_else(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}

    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_demo_runs_in_a_folder_with_packages_of_the_same_names(played: PlayedDemo) -> None:
    assert played.result.code == 0, played.result.text
    assert mails(played.data) >= 20


def test_the_demo_writes_nothing_beside_its_data(played: PlayedDemo) -> None:
    assert {file.name for file in played.folder.rglob("*")} == {"workers", "templates", "__init__.py"}


def test_the_demo_connects_to_this_machine_alone(played: PlayedDemo) -> None:
    hosts = {address[0] if isinstance(address, list) else address for address in played.connections}
    paths = {host for host in hosts if str(host).startswith("/")}  # unix sockets
    others = {host for host in hosts - paths if not ipaddress.ip_address(str(host)).is_loopback}

    assert paths
    assert others == set()


def test_a_command_says_the_version_of_the_wheel(clean: Path, wheel: Path, namesakes: Path) -> None:
    result = run([clean / "bin" / "digest", "--version"], cwd=namesakes)

    assert result.text == f"papers-inbox {wheel.name.split('-')[1]}\n"


def test_a_folder_with_packages_of_the_same_names_is_a_trap(namesakes: Path) -> None:
    result = run([sys.executable, "-c", "import workers"], cwd=namesakes, check=False)

    assert "was imported, not ours" in result.text
