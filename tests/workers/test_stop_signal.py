"""Many signals at once end a process as surely as one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.patience import PATIENCE

PROGRAM = """
import sys
from workers.stop_signal import StopSignal

stop = StopSignal()
stop.install()
print("ready", flush=True)
while not stop.is_set():
    stop.wait(0.001)
sys.stdin.readline()
print("ended")
"""


def test_signals_that_interrupt_each_others_handler_end_the_process() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in [signal.SIGTERM, signal.SIGINT] * 500:
            process.send_signal(number)
        output, _ = process.communicate("\n", PATIENCE)

    assert output == "ended\n"
    assert process.returncode == 0


def test_only_one_place_handles_stop_signals_with_a_flag() -> None:
    """`threading.Event` in a handler deadlocks when a second signal interrupts the first."""
    handlers = [
        path
        for path in Path(ROOT, "workers").rglob("*.py")
        if "signal.signal(" in path.read_text() and path.name != "stop_signal.py"
    ]

    assert [path.name for path in handlers] == ["pools.py"]  # restores the defaults in a child
