"""What a pass over the outbox did, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from digest.db.deliveries import Result
from digest.models.delivery import DEFERRED, REJECTED, SENT, UNCERTAIN


@dataclass(frozen=True, slots=True)
class Counts:
    """What one pass did. `fenced`: results that came too late; `trouble`: our servers failed; `more`: mail is due."""

    sent: int = 0
    deferred: int = 0
    rejected: int = 0
    uncertain: int = 0
    withheld: int = 0
    fenced: int = 0
    trouble: bool = False
    more: bool = False

    def __add__(self, other: Counts) -> Counts:
        """Both passes; trouble and more as the later one says."""
        return Counts(
            self.sent + other.sent,
            self.deferred + other.deferred,
            self.rejected + other.rejected,
            self.uncertain + other.uncertain,
            self.withheld + other.withheld,
            self.fenced + other.fenced,
            other.trouble,
            other.more,
        )


@dataclass(slots=True)
class Tally:
    """Counts while they grow."""

    by_state: dict[str, int] = field(default_factory=dict)
    fenced: int = 0
    trouble: bool = False

    def note(self, results: Sequence[Result]) -> None:
        """Count these."""
        for result in results:
            self.by_state[result.state] = self.by_state.get(result.state, 0) + 1

    def counts(self, *, more: bool) -> Counts:
        """What it comes to; `more`: mail is still due."""
        by = self.by_state
        withheld = sum(count for state, count in by.items() if state not in (SENT, DEFERRED, REJECTED, UNCERTAIN))
        return Counts(
            sent=by.get(SENT, 0),
            deferred=by.get(DEFERRED, 0),
            rejected=by.get(REJECTED, 0),
            uncertain=by.get(UNCERTAIN, 0),
            withheld=withheld,
            fenced=self.fenced,
            trouble=self.trouble,
            more=more and not self.trouble,
        )
