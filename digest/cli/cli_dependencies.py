"""What the composition root passes to the commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digest.queues import Enqueue
    from digest.services.ingestion.import_files import Seeds


@dataclass(frozen=True, slots=True)
class Dependencies:
    """`enqueue` creates the client of the task queue, which connects at first use; `seeds` reads the seed documents."""

    enqueue: Callable[[], Enqueue]
    seeds: Seeds
