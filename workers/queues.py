"""The task queues, the tasks in each, and the processes that serve them.

Options and documents name the four queues of `digest.interfaces.QUEUES`. In Redis `selection` is two lists, so that the
day's editions come before the welcome editions of a large import.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from digest.errors import BadInput
from digest.interfaces import BACKGROUND, DELIVERY, INGESTION, QUEUES, SELECTION

PREFIX = "digest."
WELCOME = "welcome"
TASKS = {
    "deliver": DELIVERY,
    "freeze": SELECTION,
    "welcome": WELCOME,
    "ingest": INGESTION,
    "measure": BACKGROUND,
    "calibrate": BACKGROUND,
    "calibrate_part": BACKGROUND,
    "tidy_signals": BACKGROUND,
}
ROUTES = {task: {"queue": f"{PREFIX}{queue}"} for task, queue in TASKS.items()}
MOST_PROCESSES = 256


@dataclass(frozen=True, slots=True)
class Pool:
    """Processes that serve the same queues, in order of priority."""

    queues: tuple[str, ...] = QUEUES
    processes: int = 1

    @property
    def name(self) -> str:
        """The queues as in `--queues`, such as `ingestion+background`."""
        return "+".join(self.queues)

    def lists(self) -> list[str]:
        """The lists in Redis that this pool reads, in order of priority; health checks come first."""
        served = [PREFIX + name for queue in self.queues for name in _lists_of(queue)]
        return [*map(health_list, self.queues), *served]


def _lists_of(queue: str) -> tuple[str, ...]:
    return (SELECTION, WELCOME) if queue == SELECTION else (queue,)


def health_list(queue: str) -> str:
    """The list through which a health check reaches only processes of this host."""
    return f"{PREFIX}health.{queue}.{socket.gethostname()}"


def default_pools() -> list[Pool]:
    """All queues: delivery and selection in separate pools, the others together. The numbers depend on the cores."""
    cores = os.cpu_count() or 1
    return [
        Pool((DELIVERY,), max(cores // 2, 1)),
        Pool((SELECTION,), max(cores - 1, 1)),
        Pool((INGESTION, BACKGROUND), 1),
    ]


def read_pools(text: str | None, *, processes: int | None = None) -> list[Pool]:
    """Parse `delivery=2,selection=4,ingestion+background`; None means the default pools.

    `processes`: number for pools that give none. Raises BadInput.
    """
    if text is None:
        return [pool if processes is None else Pool(pool.queues, processes) for pool in default_pools()]
    pools = [_read_pool(part.strip(), processes or 1) for part in text.split(",")]
    named = [queue for pool in pools for queue in pool.queues]
    twice = sorted({queue for queue in named if named.count(queue) > 1})
    if twice:
        raise BadInput(f"queues: {twice[0]} is named twice", field="queues")
    return pools


def _read_pool(text: str, processes: int) -> Pool:
    names, has_number, number = text.partition("=")
    queues = tuple(name.strip() for name in names.split("+"))
    for queue in queues:
        if queue not in QUEUES:
            raise BadInput(f"queues: there is no queue {queue!r}; there are {', '.join(QUEUES)}", field="queues")
    if has_number:
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= MOST_PROCESSES):
            raise BadInput(
                f"queues: {text!r}: the number of processes must be from 1 to {MOST_PROCESSES}", field="queues"
            )
        processes = int(number)
    return Pool(queues, processes)


def served_by(pools: Sequence[Pool]) -> tuple[str, ...]:
    """The queues that these pools serve."""
    return tuple(queue for pool in pools for queue in pool.queues)
