"""Writes of concurrent coroutines in one transaction: a durable commit waits for the disk, so callers share it.

While one transaction commits, the next writes collect. A caller alone waits for its own commit only.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar

from sqlmodel import Session

from digest.db.core.engine import transaction

Write = TypeVar("Write")

MAX_WRITES = 500  # in one transaction, so that it stays short
PAUSE_SECONDS, LONGEST_COLLECTION = 0.002, 0.02  # a group is complete when no write came during a pause


class _PendingWrite(NamedTuple, Generic[Write]):
    write: Write
    loop: asyncio.AbstractEventLoop
    committed: asyncio.Future[None]


class GroupCommit(Generic[Write]):
    """Applies writes in the order of their arrival, as many as are pending in one transaction.

    `apply(session, writes)` may run twice for a write: a failed transaction is repeated write by write, so that each
    caller gets its own error only.
    """

    def __init__(self, apply: Callable[[Session, Sequence[Write]], object]) -> None:
        self._apply = apply
        self._lock = threading.Lock()
        self._pending: list[_PendingWrite[Write]] = []
        self._is_committing = False
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="group-commit")

    async def commit(self, write: Write) -> None:
        """Returns when the write is committed. Raises the error of its transaction."""
        loop = asyncio.get_running_loop()
        pending = _PendingWrite(write, loop, loop.create_future())
        with self._lock:
            self._pending.append(pending)
            start, self._is_committing = not self._is_committing, True
        if start:
            self._executor.submit(self._commit_pending)
        await pending.committed

    def _commit_pending(self) -> None:
        """Commit until nothing is pending."""
        while group := self._next_group():
            error = self._try_commit(group)
            if error is None or len(group) == 1:
                _wake(group, error)
            else:
                for pending in group:
                    _wake([pending], self._try_commit([pending]))

    def _collect(self) -> None:
        """Wait while writes arrive: a larger group needs fewer commits and fewer switches between threads."""
        deadline, count = time.monotonic() + LONGEST_COLLECTION, 0
        while count < len(self._pending) < MAX_WRITES and time.monotonic() < deadline:
            count = len(self._pending)
            time.sleep(PAUSE_SECONDS)

    def _next_group(self) -> list[_PendingWrite[Write]]:
        self._collect()
        with self._lock:
            group, self._pending = self._pending[:MAX_WRITES], self._pending[MAX_WRITES:]
            self._is_committing = bool(group)
        return group

    def _try_commit(self, group: Sequence[_PendingWrite[Write]]) -> Exception | None:
        """Commit a group in one transaction. Returns its error."""
        try:
            with transaction() as session:
                self._apply(session, [pending.write for pending in group])
        except Exception as error:  # noqa: BLE001 - raised in the callers
            return error
        return None


def _wake(group: Sequence[_PendingWrite[Write]], error: Exception | None) -> None:
    """Wake the callers, with one signal to each event loop: each signal costs a switch of threads."""
    for loop in {pending.loop for pending in group}:
        futures = [pending.committed for pending in group if pending.loop is loop]
        with suppress(RuntimeError):  # the loop is closed: its callers are gone
            loop.call_soon_threadsafe(_resolve, futures, error)


def _resolve(futures: Sequence[asyncio.Future[None]], error: Exception | None) -> None:
    for future in futures:
        if future.done():  # the caller was cancelled
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
