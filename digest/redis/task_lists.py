"""The lists in Redis that hold the tasks of each queue."""

from __future__ import annotations

from digest.queues import SELECTION

QUEUE_PREFIX = "digest."
WELCOME_LIST = "welcome"


def task_lists(queue: str) -> list[str]:
    """The names of the queue's lists, in order of priority.

    `selection` has two, so that the day's editions come before the welcome editions of a large import.
    """
    parts = (SELECTION, WELCOME_LIST) if queue == SELECTION else (queue,)
    return [f"{QUEUE_PREFIX}{part}" for part in parts]
