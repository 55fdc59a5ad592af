"""The wheel: it holds everything the program needs, and packages of the same names elsewhere are not imported."""

from __future__ import annotations

import ipaddress
import json
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.packaging.conftest import CommandResult, mails, play_demo, run, site_of

PACKAGES = ("digest", "seeds", "templates", "workers")

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


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The result of a demo run."""

    result: CommandResult
    folder: Path
    data: Path
    connections: list[object]


@pytest.fixture(scope="module")
def played(clean: Path, namesakes: Path, tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    """The demo from the installed wheel, run once in a folder with packages of the same names."""
    data = tmp_path_factory.mktemp("data")
    site = site_of(clean / "bin" / "python")
    (site / "watch_connections.py").write_text(WATCH)
    (site / "watch_connections.pth").write_text("import watch_connections\n")
    log = data / "connections"
    result = play_demo(clean / "bin" / "digest", namesakes, data, {"CONNECTIONS": str(log)})
    return DemoResult(result, namesakes, data, [json.loads(line) for line in log.read_text().splitlines()])


def test_the_demo_runs_in_a_folder_with_packages_of_the_same_names(played: DemoResult) -> None:
    assert played.result.code == 0, played.result.text
    assert mails(played.data) >= 20


def test_the_demo_writes_nothing_beside_its_data(played: DemoResult) -> None:
    assert {file.name for file in played.folder.rglob("*")} == {"workers", "templates", "__init__.py"}


def test_the_demo_connects_to_this_machine_alone(played: DemoResult) -> None:
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
