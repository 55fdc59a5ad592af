"""The process's one event loop for mail, on a thread of its own, with the connections that live on it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from digest.mail.mime.outgoing_message import Letter
from digest.mail.smtp.connection_pool import Pool
from digest.mail.smtp.endpoints import parse_server
from digest.mail.smtp.reply_classification import Outcome
from digest.settings import Settings

T = TypeVar("T")

SECONDS_TO_CLOSE = 10.0


class Transport:
    """Sends letters in the background; connections stay open between passes. One a process."""

    def __init__(self, settings: Settings) -> None:
        settings.require("smtp_url")
        self.size = settings.connections
        self._pool = Pool(
            [parse_server(address) for address in settings.smtp_url],
            size=settings.connections,
            timeout=float(settings.message_timeout),
            hello=settings.mail_domain or "localhost",
        )
        self._given: deque[tuple[Letter, Callable[[], bool], Future[Outcome]]] = deque()
        self._called = False
        self._flying: set[asyncio.Task[Outcome]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)
        self._thread.start()

    def send(self, letter: Letter, allowed: Callable[[], bool]) -> Future[Outcome]:
        """Begin to send one letter. `allowed` is asked, on the loop's thread, before its content is offered."""
        future: Future[Outcome] = Future()
        self._given.append((letter, allowed, future))
        if not self._called:  # several letters may wait for the loop's thread: one call is enough
            self._called = True
            self._loop.call_soon_threadsafe(self._begin)
        return future

    @property
    def server(self) -> str:
        """The server that would be asked first now, as `host:port`."""
        return self._pool.first

    def close(self) -> None:
        """Leave the servers and end the loop."""
        self._do(self._pool.close()).result(SECONDS_TO_CLOSE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS_TO_CLOSE)
        self._loop.close()

    def _begin(self) -> None:
        """Take what was given, on the loop's thread."""
        self._called = False
        while self._given:
            letter, allowed, future = self._given.popleft()
            task = self._loop.create_task(self._pool.send(letter, allowed))
            self._flying.add(task)
            task.add_done_callback(partial(self._ended, future))

    def _ended(self, future: Future[Outcome], task: asyncio.Task[Outcome]) -> None:
        """Tell whoever waits in another thread."""
        self._flying.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(task.result())

    def _do(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


_open: dict[tuple[int, Settings], Transport] = {}  # by process: a child has its parent's sockets, not its threads


def shared(settings: Settings) -> Transport:
    """The process's transport for these settings, made at the first use. Raises Misconfigured."""
    key = (os.getpid(), settings)
    if key not in _open:
        _open[key] = Transport(settings)
    return _open[key]


def close_all() -> None:
    """Close what `shared` made in this process."""
    for key in [key for key in _open if key[0] == os.getpid()]:
        _open.pop(key).close()
