"""Writes of concurrent callers in one transaction: a durable commit waits for the disk, so callers share it.

While one transaction commits, the next writes collect. A caller alone waits for its own commit only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

from sqlmodel import Session

from digest.db.core.engine import transaction

Write = TypeVar("Write")

MAX_WRITES = 500  # in one transaction, so that it stays short


class _PendingWrite(NamedTuple, Generic[Write]):
    write: Write
    future: Future[None]


class GroupCommit(Generic[Write]):
    """Applies writes in the order of submission, as many as are pending in one transaction.

    `apply(session, writes)` may run twice for a write: a failed transaction is repeated write by write, so that each
    caller gets its own error only.
    """

    def __init__(self, apply: Callable[[Session, Sequence[Write]], object]) -> None:
        self._apply = apply
        self._lock = threading.Lock()
        self._pending: list[_PendingWrite[Write]] = []
        self._is_committing = False
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="group-commit")

    def submit(self, write: Write) -> Future[None]:
        """A future that is done when the write is committed, or has the error of its transaction."""
        future: Future[None] = Future()
        with self._lock:
            self._pending.append(_PendingWrite(write, future))
            start, self._is_committing = not self._is_committing, True
        if start:
            self._executor.submit(self._commit_pending)
        return future

    def _commit_pending(self) -> None:
        """Commit until nothing is pending."""
        while group := self._next_group():
            started = [pending for pending in group if pending.future.set_running_or_notify_cancel()]
            if started and self._try_commit(started) is not None:
                for pending in started:
                    _resolve(pending, self._try_commit([pending]))
            else:
                for pending in started:
                    _resolve(pending, None)

    def _next_group(self) -> list[_PendingWrite[Write]]:
        with self._lock:
            group, self._pending = self._pending[:MAX_WRITES], self._pending[MAX_WRITES:]
            self._is_committing = bool(group)
        return group

    def _try_commit(self, group: Sequence[_PendingWrite[Write]]) -> Exception | None:
        """Commit a group in one transaction. Returns its error."""
        try:
            with transaction() as session:
                self._apply(session, [pending.write for pending in group])
        except Exception as error:  # noqa: BLE001 - raised by the futures of the callers
            return error
        return None


def _resolve(pending: _PendingWrite[Write], error: Exception | None) -> None:
    if error is None:
        pending.future.set_result(None)
    else:
        pending.future.set_exception(error)
