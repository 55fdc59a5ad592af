"""A request to stop, by SIGTERM, SIGINT or another thread. How long tasks may finish: `supervisor.DRAIN_SECONDS`."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Self

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignal:
    """A flag that is set once and can be waited for. A context manager that closes it.

    `set` takes no lock, because a second signal may interrupt the handler of the first: `threading.Event.set` could
    deadlock there. It writes to a socket instead, whose object, unlike a file descriptor, never refers to another file
    once it is closed.
    """

    def __init__(self) -> None:
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        self._is_set = False

    def install(self) -> None:
        """Set the flag on SIGTERM and SIGINT. Call it in the main thread. They stay harmless after `close`."""
        for number in STOP_SIGNALS:
            signal.signal(number, self.set)

    def set(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Set the flag; from a signal handler or any thread, any number of times."""
        if not self._is_set:
            self._is_set = True
            with contextlib.suppress(OSError):  # closed: nobody waits
                self._writing.send(b"\0")

    def is_set(self) -> bool:
        """True once the flag is set."""
        return self._is_set

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the flag is set, or for `seconds`. Returns True if it is set. Not to be called after `close`."""
        poll = select.poll()  # unlike `select`, it takes file descriptors from 1,024
        poll.register(self._reading, select.POLLIN)
        poll.poll(None if seconds is None else seconds * 1000)
        return self._is_set

    def close(self) -> None:
        """Close the sockets."""
        self._reading.close()
        self._writing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
