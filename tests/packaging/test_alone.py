"""The demo as in a container: a read-only root file system, no network but the loopback."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.conftest import not_run
from tests.packaging import alone
from tests.packaging.conftest import CommandResult, mails, run, two_free_ports

Shut = Callable[[Sequence[str | Path]], CommandResult]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """The /tmp of the container; its path is short, as it holds sockets."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shut(tmp_path: Path, temporary: Path) -> Shut:
    """Runs a command that may write to DATA_DIR and the temporary folder, without network."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        not_run("namespaces need root and unshare")

    def run_shut(command: Sequence[str | Path]) -> CommandResult:
        data = tmp_path / "data"
        data.mkdir()
        env = {"DIGEST_DATA_DIR": str(data), "TMPDIR": str(temporary), "HOME": "/nonexistent"}
        namespaces = ["unshare", "--net", "--mount", sys.executable, alone.__file__, data, temporary, "--"]
        result = run([*namespaces, *command], cwd=tmp_path, env=env, check=False)
        if result.code == alone.FORBIDDEN or result.text.startswith("unshare: "):
            not_run("this machine forbids namespaces or mounts")
        return result

    return run_shut


def test_the_demo_needs_no_network_and_writes_to_its_data_and_temporary_folders_alone(
    clean: Path, shut: Shut, tmp_path: Path
) -> None:
    result = shut([clean / "bin" / "digest", "demo", "--once", "--port", str(two_free_ports())])

    assert result.code == 0, result.text
    assert mails(tmp_path / "data") >= 20


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("open('elsewhere', 'w')", "Read-only file system"),
        ("import socket; socket.create_connection(('192.0.2.1', 25), timeout=2)", "Network is unreachable"),
    ],
)
def test_what_is_shut_off_is_shut_off(shut: Shut, code: str, complaint: str) -> None:
    result = shut([sys.executable, "-c", code])

    assert complaint in result.text
