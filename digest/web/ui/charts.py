"""Charts of pages: the preview and the administrator's plots as bars. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from markupsafe import Markup, escape

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


def bars_image(bars: Sequence[Bar], label: str) -> Markup:
    """Bars as SVG, a number over each and its day below. `label`: the plot in one sentence.

    Assembled here and not by a template, which would escape 140 numbers for 14 days.
    """
    shapes = "".join(
        f'<rect x="{bar.x}%" y="{bar.y}" width="{bar.width}%" height="{bar.height}"/>'
        f'<text class="figure" x="{bar.middle}%" y="{bar.y - 4}">{bar.figure}</text>'
        f'<text x="{bar.middle}%" y="106">{bar.date.day}</text>\n'
        for bar in bars
    )
    axis = f'<line x1="0" y1="{BASELINE + 0.5}" x2="100%" y2="{BASELINE + 0.5}"/>'
    image = f'<svg class="bars" role="img" aria-label="{escape(label)}">{axis}\n{shapes}</svg>'
    return Markup(image)  # noqa: S704 - numbers, and the escaped label


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
