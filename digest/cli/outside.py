"""What the composition root gives to the commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digest.interfaces import Enqueue
    from digest.services.ingestion.import_files import Seeds


@dataclass(frozen=True, slots=True)
class Dependencies:
    """`enqueue` makes the queue's port (it connects late); `seeds` reads the seed documents."""

    enqueue: Callable[[], Enqueue]
    seeds: Seeds
