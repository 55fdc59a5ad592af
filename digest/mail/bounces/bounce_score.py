"""A decaying score of an address's recent failures. Pure.

Each day counts once, by its worst failure, so that neither a repeated report nor five resends in an hour add up. A
permanent failure weighs 1, a delay a quarter; each weight halves every 14 days. At 3 the address is suppressed: after
four days of failures in a row, three weeks of daily delays, or seven failures a week apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

FAILURE_WEIGHT, DELAY_WEIGHT = 1.0, 0.25
HALF_LIFE = timedelta(days=14)
WINDOW = timedelta(days=120)  # an older failure weighs less than 0.003
THRESHOLD = 3.0


@dataclass(frozen=True, slots=True)
class WeightedFailure:
    """One reported failure. `weight`: FAILURE_WEIGHT or DELAY_WEIGHT."""

    failed_at: datetime
    weight: float


def score(failures: Iterable[WeightedFailure], *, now: datetime, half_life: timedelta = HALF_LIFE) -> float:
    """The sum over days of the worst weight of each, halved per `half_life` of age. Unitless, never negative."""
    worst: dict[date, WeightedFailure] = {}
    for failure in failures:
        day = failure.failed_at.date()
        if day not in worst or failure.weight > worst[day].weight:
            worst[day] = failure
    return sum(item.weight * math.exp2(-max((now - item.failed_at) / half_life, 0.0)) for item in worst.values())


def reaches_threshold(failures: Iterable[WeightedFailure], *, now: datetime) -> bool:
    """True where the score has reached the threshold."""
    return score(failures, now=now) >= THRESHOLD
