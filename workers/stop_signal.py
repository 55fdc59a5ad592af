"""A request to stop, by SIGTERM, SIGINT or another thread."""

from __future__ import annotations

import os
import select
import signal
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignal:
    """A flag that is set once and can be waited for.

    `set` takes no lock, because a second signal may interrupt the handler of the first: `threading.Event.set` could
    deadlock there. It writes to a pipe instead.
    """

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        self._is_set = False

    def install(self) -> None:
        """Set the flag on SIGTERM and SIGINT. Call it in the main thread."""
        for number in STOP_SIGNALS:
            signal.signal(number, self.set)

    def set(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Set the flag; from a signal handler or any thread, any number of times."""
        if not self._is_set:
            self._is_set = True
            os.write(self._write_end, b"\0")

    def is_set(self) -> bool:
        """True once the flag is set."""
        return self._is_set

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the flag is set, or for `seconds`. Returns True if it is set."""
        select.select([self._read_end], [], [], seconds)
        return self._is_set
