"""What the core asks of the outside, as protocols; `workers.main` gives the real ones."""

from __future__ import annotations

from typing import Protocol

# The queues of background work, the most urgent first. What each is for stands in OPERATIONS.md.
DELIVERY, SELECTION, INGESTION, BACKGROUND = "delivery", "selection", "ingestion", "background"
QUEUES = (DELIVERY, SELECTION, INGESTION, BACKGROUND)


class Enqueue(Protocol):
    """Wakes the workers after a commit. Ids only; a lost call costs time, never work: the sweeper finds what is due."""

    def freeze(self, run_id: int, shard: int) -> None:
        """Choose and freeze the editions of one shard of a run."""

    def deliver(self) -> None:
        """Send what is due in the outbox."""

    def welcome(self, subscriber_id: int) -> None:
        """Choose a first edition for a reader who has just confirmed."""

    def alive(self) -> bool:
        """True where live workers answer that choose editions and send mail."""


class NoQueue:
    """An Enqueue for `--inline`: nothing is enqueued; the caller does the work itself."""

    def freeze(self, run_id: int, shard: int) -> None:
        """Nothing to wake."""

    def deliver(self) -> None:
        """Nothing to wake."""

    def welcome(self, subscriber_id: int) -> None:
        """Nothing to wake."""

    def alive(self) -> bool:
        """No worker here."""
        return False
