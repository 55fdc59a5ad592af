"""Counts of what a pass over the outbox did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from digest.db.outbox.deliveries import DeliveryResult
from digest.models.delivery import DEFERRED, REJECTED, SENT, UNCERTAIN


@dataclass(frozen=True, slots=True)
class SendCounts:
    """Results of one pass. `fenced`: results that came too late; `trouble`: our servers failed; `more`: mail is due.

    `paused`: a domain or the server refuses us and is paused; `refusal`: the reply of a server that refuses a session.
    """

    sent: int = 0
    deferred: int = 0
    rejected: int = 0
    uncertain: int = 0
    withheld: int = 0
    fenced: int = 0
    trouble: bool = False
    more: bool = False
    paused: bool = False
    refusal: str = ""

    def __add__(self, other: SendCounts) -> SendCounts:
        """Add up two passes; `trouble`, `more` and `refusal` are those of the later one."""
        return SendCounts(
            self.sent + other.sent,
            self.deferred + other.deferred,
            self.rejected + other.rejected,
            self.uncertain + other.uncertain,
            self.withheld + other.withheld,
            self.fenced + other.fenced,
            other.trouble,
            other.more,
            self.paused or other.paused,
            other.refusal,
        )


@dataclass(slots=True)
class SendCounter:
    """Collects the counts during a pass."""

    by_state: dict[str, int] = field(default_factory=dict)
    fenced: int = 0
    trouble: bool = False
    paused: bool = False
    refusal: str = ""

    def add(self, results: Sequence[DeliveryResult]) -> None:
        """Count these results by state."""
        for result in results:
            self.by_state[result.state] = self.by_state.get(result.state, 0) + 1

    def move_to_deferred(self, count: int) -> None:
        """Move `count` mails from rejected to deferred."""
        moved = min(count, self.by_state.get(REJECTED, 0))
        self.by_state[REJECTED] = self.by_state.get(REJECTED, 0) - moved
        self.by_state[DEFERRED] = self.by_state.get(DEFERRED, 0) + moved

    def counts(self, *, more: bool) -> SendCounts:
        """The counts so far; `more`: mail is still due."""
        by = self.by_state
        withheld = sum(count for state, count in by.items() if state not in (SENT, DEFERRED, REJECTED, UNCERTAIN))
        return SendCounts(
            sent=by.get(SENT, 0),
            deferred=by.get(DEFERRED, 0),
            rejected=by.get(REJECTED, 0),
            uncertain=by.get(UNCERTAIN, 0),
            withheld=withheld,
            fenced=self.fenced,
            trouble=self.trouble,
            more=more and not self.trouble,
            paused=self.paused,
            refusal=self.refusal,
        )
