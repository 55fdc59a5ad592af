"""Protocols that the core depends on; `workers.commands` supplies the implementations."""

from __future__ import annotations

from typing import Protocol

# The queues of background work, the most urgent first. OPERATIONS.md describes them.
DELIVERY, SELECTION, INGESTION, BACKGROUND = "delivery", "selection", "ingestion", "background"
QUEUES = (DELIVERY, SELECTION, INGESTION, BACKGROUND)


class Enqueue(Protocol):
    """Enqueues work after a commit. Takes only ids. A lost call only delays the work: the sweeper finds it."""

    def freeze(self, run_id: int, shard: int) -> None:
        """Build and freeze the editions of one shard of a run."""

    def deliver(self) -> None:
        """Send the due deliveries."""

    def welcome(self, subscriber_id: int) -> None:
        """Build the first edition of a subscriber who has just confirmed."""

    def alive(self) -> bool:
        """True if workers that build editions and send mail respond."""


class NoQueue:
    """An Enqueue for `--inline`: nothing is enqueued; the caller does the work itself."""

    def freeze(self, run_id: int, shard: int) -> None:
        """Do nothing."""

    def deliver(self) -> None:
        """Do nothing."""

    def welcome(self, subscriber_id: int) -> None:
        """Do nothing."""

    def alive(self) -> bool:
        """False: there are no workers."""
        return False
