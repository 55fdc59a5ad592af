"""The demo as in a container: a read-only root file system, no network but the loopback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import not_run
from tests.packaging.conftest import PlayedDemo, mails, run_alone

FORBIDDEN = "namespaces and mounts need root, unshare and a machine that allows them"


def test_the_demo_needs_no_network_and_writes_to_its_data_and_temporary_folders_alone(played: PlayedDemo) -> None:
    if not played.was_alone:
        not_run(FORBIDDEN)

    assert played.result.code == 0, played.result.text
    assert mails(played.data) >= 20


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("open('elsewhere', 'w')", "Read-only file system"),
        ("import socket; socket.create_connection(('192.0.2.1', 25), timeout=2)", "Network is unreachable"),
    ],
)
def test_what_is_shut_off_is_shut_off(tmp_path: Path, code: str, complaint: str) -> None:
    data = tmp_path / "data"
    data.mkdir()

    result = run_alone([sys.executable, "-c", code], cwd=tmp_path, data=data) or not_run(FORBIDDEN)

    assert complaint in result.text
