"""The task queues, what goes into each, and which processes serve them.

People and settings name the four queues of `digest.interfaces.QUEUES`. In Redis `selection` is two lists, so that the
day's editions go before the first editions of an import of thousands.
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
    """Processes that serve the same queues; what waits in an earlier one goes first."""

    queues: tuple[str, ...] = QUEUES
    processes: int = 1

    @property
    def name(self) -> str:
        """As `--queues` writes it."""
        return "+".join(self.queues)

    def lists(self) -> list[str]:
        """The names in Redis that this pool takes from, in order. First those through which its health is asked."""
        served = [PREFIX + name for queue in self.queues for name in _lists_of(queue)]
        return [*map(health_list, self.queues), *served]


def _lists_of(queue: str) -> tuple[str, ...]:
    return (SELECTION, WELCOME) if queue == SELECTION else (queue,)


def health_list(queue: str) -> str:
    """The list that only processes of this host take from: a question to them."""
    return f"{PREFIX}health.{queue}.{socket.gethostname()}"


def default_pools() -> list[Pool]:
    """All queues: delivery and selection by themselves, what nobody waits for together. Few processes on few cores."""
    cores = os.cpu_count() or 1
    return [
        Pool((DELIVERY,), max(cores // 2, 1)),
        Pool((SELECTION,), max(cores - 1, 1)),
        Pool((INGESTION, BACKGROUND), 1),
    ]


def read_pools(text: str | None, *, processes: int | None = None) -> list[Pool]:
    """Read `delivery=2,selection=4,ingestion+background`; nothing is the default.

    `processes`: how many for pools that don't say. Raises BadInput naming what is wrong.
    """
    if text is None:
        return [pool if processes is None else Pool(pool.queues, processes) for pool in default_pools()]
    pools = [_read_pool(part.strip(), processes or 1) for part in text.split(",")]
    named = [queue for pool in pools for queue in pool.queues]
    twice = sorted({queue for queue in named if named.count(queue) > 1})
    if twice:
        raise BadInput(f"queues: {twice[0]} stands there twice", field="queues")
    return pools


def _read_pool(text: str, processes: int) -> Pool:
    names, has_number, number = text.partition("=")
    queues = tuple(name.strip() for name in names.split("+"))
    for queue in queues:
        if queue not in QUEUES:
            raise BadInput(f"queues: there is no queue {queue!r}; there are {', '.join(QUEUES)}", field="queues")
    if has_number:
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= MOST_PROCESSES):
            raise BadInput(f"queues: {text!r}: processes are a number from 1 to {MOST_PROCESSES}", field="queues")
        processes = int(number)
    return Pool(queues, processes)


def served_by(pools: Sequence[Pool]) -> tuple[str, ...]:
    """The queues that these pools serve."""
    return tuple(queue for pool in pools for queue in pool.queues)
