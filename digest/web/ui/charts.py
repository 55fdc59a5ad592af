"""Charts of pages: the preview and the administrator's plots as bars. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

MAX_HEIGHT, BASELINE = 64.0, 88.0  # pixels
GAP = 0.25  # of the width of a slot
MIN_SLOTS = 14  # so that a few days do not get wide bars


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of one day. Horizontal values are in percent of the width, vertical ones in pixels."""

    date: date
    total: int
    x: float
    width: float
    middle: float
    y: float
    height: float

    @property
    def figure(self) -> str:
        """The number above the bar, abbreviated."""
        return abbreviated(self.total)


def bars(days: Sequence[tuple[date, int]]) -> tuple[Bar, ...]:
    """Bars for days and their counts, in that order; the highest has `MAX_HEIGHT` pixels."""
    highest = max((total for _, total in days), default=0) or 1
    width, places = _places(len(days))
    return tuple(
        Bar(
            date=day,
            total=total,
            x=x,
            width=width,
            middle=middle,
            y=round(BASELINE - MAX_HEIGHT * total / highest, 1),
            height=round(MAX_HEIGHT * total / highest, 1),
        )
        for (day, total), (x, middle) in zip(days, places, strict=True)
    )


@lru_cache(maxsize=128)
def _places(count: int) -> tuple[float, Sequence[tuple[float, float]]]:
    """The width of each of so many bars, and where each begins and has its middle, in percent."""
    slot_width = 100 / max(count, MIN_SLOTS)
    places = [
        (round((number + GAP / 2) * slot_width, 3), round((number + 0.5) * slot_width, 3)) for number in range(count)
    ]
    return round(slot_width * (1 - GAP), 3), places


def abbreviated(number: int) -> str:
    """A number in at most four characters: 999, 1.2k, 84k, 3M."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= unit * 0.9995:  # 999,500 rounds to 1M, not to 1000k
            scaled = number / unit
            return f"{scaled:.1f}{name}".replace(".0", "") if scaled < 9.95 else f"{scaled:.0f}{name}"
    return str(number)
