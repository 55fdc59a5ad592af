"""Many signals at once end a process as surely as one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.patience import PATIENCE
from workers.stop_signal import StopSignal

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


HIGH_DESCRIPTORS = """
import os, resource, threading
from workers.stop_signal import StopSignal

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (2048, most))
others = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
with StopSignal() as stop:
    print(stop.wait(0.001))
    threading.Timer(0.01, stop.set).start()
    print(stop.wait())
"""


def test_it_can_be_waited_for_in_a_process_with_more_than_1024_open_files() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HIGH_DESCRIPTORS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert ended.stdout == "False\nTrue\n", ended.stderr


def open_files() -> list[Path]:
    return sorted(Path("/dev/fd").iterdir())


def test_closing_leaves_no_open_file_and_setting_it_afterwards_is_harmless() -> None:
    before = open_files()

    with StopSignal() as stop:
        during = open_files()
    stop.set()

    assert len(during) == len(before) + 2
    assert open_files() == before
    assert stop.is_set()
