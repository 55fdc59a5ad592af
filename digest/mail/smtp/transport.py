"""The one event loop for mail of a process: it runs on its own thread and owns the SMTP connections."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from digest.mail.mime.outgoing_message import OutgoingMessage
from digest.mail.smtp.connection_pool import ConnectionPool
from digest.mail.smtp.endpoints import parse_server
from digest.mail.smtp.reply_classification import SendOutcome
from digest.settings import Settings

CLOSE_TIMEOUT_SECONDS = 10.0


class Transport:
    """Sends messages in the background; connections stay open between passes. One per process."""

    def __init__(self, settings: Settings) -> None:
        settings.require("smtp_url")
        self.size = settings.connections
        self._pool = ConnectionPool(
            [parse_server(address) for address in settings.smtp_url],
            size=settings.connections,
            timeout=float(settings.message_timeout),
            ehlo_name=settings.mail_domain or "localhost",
        )
        self._pending: deque[tuple[OutgoingMessage, Callable[[], bool], Future[SendOutcome]]] = deque()
        self._wakeup_scheduled = False
        self._tasks: set[asyncio.Task[SendOutcome]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)
        self._thread.start()

    def send(self, message: OutgoingMessage, allowed: Callable[[], bool]) -> Future[SendOutcome]:
        """Start sending one message. `allowed` is called on the loop's thread before the content is sent."""
        future: Future[SendOutcome] = Future()
        self._pending.append((message, allowed, future))
        if not self._wakeup_scheduled:  # one call is enough for all pending messages
            self._wakeup_scheduled = True
            self._loop.call_soon_threadsafe(self._start_pending)
        return future

    @property
    def server(self) -> str:
        """The server that would be tried first now, as `host:port`."""
        return self._pool.preferred_server

    def close(self) -> None:
        """Close the connections and stop the loop."""
        asyncio.run_coroutine_threadsafe(self._pool.close(), self._loop).result(CLOSE_TIMEOUT_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_TIMEOUT_SECONDS)
        self._loop.close()

    def _start_pending(self) -> None:
        """Start sending the pending messages; runs on the loop's thread."""
        self._wakeup_scheduled = False
        while self._pending:
            message, allowed, future = self._pending.popleft()
            task = self._loop.create_task(self._pool.send(message, allowed))
            self._tasks.add(task)
            task.add_done_callback(partial(self._finish, future))

    def _finish(self, future: Future[SendOutcome], task: asyncio.Task[SendOutcome]) -> None:
        """Pass the result to the future that another thread waits for."""
        self._tasks.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(task.result())


_transports: dict[
    tuple[int, Settings], Transport
] = {}  # keyed by process id: a forked child inherits sockets, but no threads


def shared_transport(settings: Settings) -> Transport:
    """The transport of this process for these settings, created at first use. Raises Misconfigured."""
    key = (os.getpid(), settings)
    if key not in _transports:
        _transports[key] = Transport(settings)
    return _transports[key]


def close_all() -> None:
    """Close the transports that `shared_transport` created in this process."""
    for key in [key for key in _transports if key[0] == os.getpid()]:
        _transports.pop(key).close()
