"""The task queues, the tasks in each, and the processes that serve them.

Options and documents name the four queues of `digest.queues.QUEUES`. In Redis `selection` is two lists, so that the
day's editions come before the welcome editions of a large import.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from digest.errors import BadInput
from digest.queues import BACKGROUND, DELIVERY, INGESTION, QUEUES, SELECTION
from digest.redis.task_lists import QUEUE_PREFIX, WELCOME_LIST, task_lists

FREEZE = "freeze"
WELCOME = "welcome"
DELIVER = "deliver"
CHECK_INSTALLATION = "check_installation"
INGEST = "ingest"
MEASURE = "measure"
CALIBRATE = "calibrate"
CALIBRATE_PART = "calibrate_part"
SUMMARIZE = "summarize"
LOOK_UP = "look_up"
TIDY_SIGNALS = "tidy_signals"
POLL_BOUNCES = "poll_bounces"
PULSE = "pulse"  # on every queue
QUEUE_OF_TASK = {
    DELIVER: DELIVERY,
    CHECK_INSTALLATION: DELIVERY,
    FREEZE: SELECTION,
    WELCOME: WELCOME_LIST,
    INGEST: INGESTION,
    MEASURE: BACKGROUND,
    CALIBRATE: BACKGROUND,
    CALIBRATE_PART: BACKGROUND,
    SUMMARIZE: BACKGROUND,
    LOOK_UP: BACKGROUND,
    TIDY_SIGNALS: BACKGROUND,
    POLL_BOUNCES: BACKGROUND,
}
ROUTES = {task: {"queue": f"{QUEUE_PREFIX}{queue}"} for task, queue in QUEUE_OF_TASK.items()}
MAX_PROCESSES = 256
TASK_SLICE_SECONDS = 120.0  # the rest of a long task becomes another task, so that a worker stops soon


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """Processes that serve the same queues, in order of priority."""

    queues: tuple[str, ...] = QUEUES
    processes: int = 1

    @property
    def name(self) -> str:
        """The queues as in `--queues`, such as `ingestion+background`."""
        return "+".join(self.queues)

    def redis_lists(self) -> list[str]:
        """The lists in Redis that this pool reads, in order of priority; health checks come first."""
        queue_lists = [name for queue in self.queues for name in task_lists(queue)]
        return [*map(health_check_list, self.queues), *queue_lists]


def health_check_list(queue: str) -> str:
    """The list through which a health check reaches only processes of this host."""
    return f"{QUEUE_PREFIX}health.{queue}.{socket.gethostname()}"


def default_pools() -> list[WorkerPool]:
    """All queues: delivery and selection in separate pools, the others together. The numbers depend on the cores."""
    cores = os.cpu_count() or 1
    return [
        WorkerPool((DELIVERY,), max(cores // 2, 1)),
        WorkerPool((SELECTION,), max(cores - 1, 1)),
        WorkerPool((INGESTION, BACKGROUND), 1),
    ]


def parse_pools(text: str | None, *, processes: int | None = None) -> list[WorkerPool]:
    """Parse `delivery=2,selection=4,ingestion+background`; None means the default pools.

    `processes`: number for pools that give none. Raises BadInput.
    """
    if text is None:
        return [pool if processes is None else WorkerPool(pool.queues, processes) for pool in default_pools()]
    pools = [_parse_pool(part.strip(), processes or 1) for part in text.split(",")]
    queue_names = [queue for pool in pools for queue in pool.queues]
    duplicates = sorted({queue for queue in queue_names if queue_names.count(queue) > 1})
    if duplicates:
        raise BadInput(f"queues: {duplicates[0]} is named twice", field="queues")
    return pools


def _parse_pool(text: str, processes: int) -> WorkerPool:
    names, has_number, number = text.partition("=")
    queues = tuple(name.strip() for name in names.split("+"))
    for queue in queues:
        if queue not in QUEUES:
            raise BadInput(f"queues: there is no queue {queue!r}; there are {', '.join(QUEUES)}", field="queues")
    if has_number:
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= MAX_PROCESSES):
            raise BadInput(
                f"queues: {text!r}: the number of processes must be from 1 to {MAX_PROCESSES}", field="queues"
            )
        processes = int(number)
    return WorkerPool(queues, processes)


def queues_of_pools(pools: Sequence[WorkerPool]) -> tuple[str, ...]:
    """The queues that these pools serve."""
    return tuple(queue for pool in pools for queue in pool.queues)
