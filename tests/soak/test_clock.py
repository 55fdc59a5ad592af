"""The wall clock of the workers steps an hour, forth and back, in the middle of a run."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from digest import clock
from tests.soak.conftest import FULL, POSTGRESQL, SoakRun, new_interpreter
from tests.soak.shifted_clock import compile_library

HOUR = 3600
SECONDS_SHIFTED = 2


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Loaded into a process, it shifts that one's wall clock and leaves its monotonic one alone."""
    return compile_library(tmp_path)


@POSTGRESQL
@pytest.mark.soak
def test_a_clock_that_steps_an_hour_loses_and_doubles_nothing(
    run: SoakRun, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift = tmp_path / "shift"
    shift.write_text("0\n")
    run.enqueue(FULL.mails)
    with monkeypatch.context() as patched:
        patched.setenv("LD_PRELOAD", str(library))
        patched.setenv("SOAK_SHIFT", str(shift))
        run.begin(new_interpreter)
    for place, seconds in enumerate((HOUR, 0, -HOUR, 0)):
        run.until_taken((place + 1) * FULL.mails // 6 if seconds else len(run.smtp.log))
        shift.write_text(f"{seconds}\n")
        deadline = time.monotonic() + SECONDS_SHIFTED
        run.until(lambda over=deadline: time.monotonic() > over)  # type: ignore[misc]
    run.until_over()

    tried = [row.tried_at - clock.now() for row in run.outbox.rows() if row.tried_at]
    assert max(tried) > timedelta(minutes=30)  # the clock stepped
    assert run.lost() == set()
    assert run.doubled() == 0
    assert run.outbox.states() == {"sent": FULL.mails}
