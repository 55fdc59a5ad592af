"""The request of SIGTERM, SIGINT or another thread that a process ends."""

from __future__ import annotations

import os
import select
import signal
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignal:
    """A flag that is set once and can be waited for.

    A second signal may interrupt the handler of the first, so `set` takes no lock: in a handler `threading.Event.set`
    can wait for itself for ever. It writes to a pipe instead.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._is_set = False

    def install(self) -> None:
        """Have SIGTERM and SIGINT set the flag; from the main thread."""
        for number in STOP_SIGNALS:
            signal.signal(number, self.set)

    def set(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Ask for the end; from a handler or any thread, as often as one likes."""
        if not self._is_set:
            self._is_set = True
            os.write(self._writing, b"\0")

    def is_set(self) -> bool:
        """Whether the end was asked for."""
        return self._is_set

    def wait(self, seconds: float | None = None) -> bool:
        """Wait so long, or until the flag is set. Returns whether it is."""
        select.select([self._reading], [], [], seconds)
        return self._is_set
