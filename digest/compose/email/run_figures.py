"""The figures of a run's report. Apart from the mail, because the scheduler queues it and renders nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RunFigures:
    """A run that has ended. `slot`: its time in UTC as text; `seconds`: from its creation to its last mail.

    `finished`: False while mails still wait long after it began. `late_sources`: (name, state) of sources in trouble.
    """

    run: int
    slot: str
    finished: bool
    seconds: float
    sent: int = 0
    deferred: int = 0
    rejected: int = 0
    uncertain: int = 0
    waiting: int = 0
    skipped: int = 0
    papers: int = 0
    late_sources: Sequence[tuple[str, str]] = field(default=())
    notice: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, as a delivery's payload."""
        return asdict(self) | {"late_sources": [list(pair) for pair in self.late_sources]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunFigures:
        """The figures stored by `to_json`."""
        return cls(**{**values, "late_sources": tuple((name, state) for name, state in values["late_sources"])})
