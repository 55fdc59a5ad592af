"""Ends a request and its answer at a deadline. The client library's own limits restart with each byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self


class ExchangeDeadline:
    """Shuts the connection down after so many seconds, unless the exchange ends before.

    `trace` is to be called with the events of the connection (extension `trace` of httpcore): its socket is in them.
    """

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._timer = threading.Timer(max(seconds, 0.0), self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._forget()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note a new connection: a second handle of its socket, because encryption takes over the first one."""
        if event.endswith("connect_tcp.complete"):
            connection = info["return_value"].get_extra_info("socket").dup()
            with self._lock:
                self._forget()
                self._connection = connection
                self._shut_down()

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            self._shut_down()

    def _shut_down(self) -> None:
        """Wake up whoever waits for the connection, where the time is over."""
        if self.is_over and self._connection is not None:
            try:
                self._connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the other side closed it
                return

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
