"""How badly an address has been failing of late: a score that decays. Pure.

A day counts once, by its worst failure, so neither a report that comes twice nor five resends in an hour condemn an
address. A mail that failed for good weighs 1, one that is only late a quarter; each halves every 14 days. At 3 the
address is given up: four days of failures in a row, three weeks of delays each day, or seven failures a week apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

FAILED, LATE = 1.0, 0.25
HALF_LIFE = timedelta(days=14)
WINDOW = timedelta(days=120)  # an older failure weighs less than 0.003
THRESHOLD = 3.0


@dataclass(frozen=True, slots=True)
class Failure:
    """One report. `weight`: FAILED or LATE."""

    at: datetime
    weight: float


def score(failures: Iterable[Failure], *, now: datetime, half_life: timedelta = HALF_LIFE) -> float:
    """The sum over days of the worst weight of each, halved per `half_life` of age. Unitless, never negative."""
    worst: dict[date, Failure] = {}
    for failure in failures:
        day = failure.at.date()
        if day not in worst or failure.weight > worst[day].weight:
            worst[day] = failure
    return sum(one.weight * math.exp2(-max((now - one.at) / half_life, 0.0)) for one in worst.values())


def given_up(failures: Iterable[Failure], *, now: datetime) -> bool:
    """True where the score has reached the threshold."""
    return score(failures, now=now) >= THRESHOLD
