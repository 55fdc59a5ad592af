"""Marks in Redis: that a task is waiting, so that it is not enqueued twice, and how often it was started."""

from __future__ import annotations

import os
from functools import cache

from digest import logs, redis, settings
from digest.errors import Transient

log = logs.get(__name__)

START_COUNT_SECONDS = 86_400.0  # how long the starts of a task are counted


def current_store() -> redis.RedisStore:
    """The connection of this process to the configured Redis."""
    return _connect_store(os.getpid(), settings.get().redis_url)


@cache
def _connect_store(_process: int, url: str) -> redis.RedisStore:
    return redis.connect(url)


def mark_name(task: str, *ids: int | str) -> str:
    """The name of the mark of a task that is waiting."""
    return ":".join([task, *map(str, ids)])


def count_start(name: str) -> int:
    """Count a start of the task with that mark. Returns the starts in the last day, 1 without Redis."""
    try:
        return current_store().record_start(name, START_COUNT_SECONDS)
    except Transient:
        return 1


def shorten_mark(name: str, seconds: float) -> None:
    """Let a mark end in `seconds`: the task was stopped by a failure that is not its own, and is enqueued again."""
    try:
        current_store().shorten_mark(name, seconds)
    except Transient as error:
        log.warning("mark_not_shortened", reason=str(error))


def clear_mark(name: str) -> None:
    """Remove a mark: the task has ended, and may be enqueued again."""
    try:
        current_store().record_end(name)
    except Transient as error:
        log.warning("mark_not_cleared", reason=str(error))  # it expires
