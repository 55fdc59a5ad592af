"""The wall clock of the workers steps an hour, forth and back, in the middle of a run."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import not_run
from tests.soak.conftest import FULL, POSTGRESQL, Run

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"


def library() -> str:
    """libfaketime (a Debian package), which shifts a process's wall clock and leaves its monotonic one alone."""
    found = sorted(Path("/").glob(LIBRARY.removeprefix("/")))
    return str(found[0]) if found and shutil.which("true") else not_run("libfaketime absent")


@POSTGRESQL
@pytest.mark.soak
def test_a_clock_that_steps_an_hour_loses_and_doubles_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift = tmp_path / "shift"
    shift.write_text("+0s\n")
    run.owe(FULL.mails)
    with monkeypatch.context() as patched:
        for name, value in {
            "LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": str(shift), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }.items():  # fmt: skip
            patched.setenv(name, value)
        subprocess.run(["true"], check=True)
        run.begin()
    for place, hours in enumerate((1, 0, -1, 0)):
        run.until_taken((place + 1) * FULL.mails // 6, seconds=60)
        shift.write_text(f"{hours * 3600:+d}s\n")
        time.sleep(2)
    run.until_over()

    assert run.lost() == set()
    assert run.doubled() == 0
    assert run.outbox.states() == {"sent": FULL.mails}
