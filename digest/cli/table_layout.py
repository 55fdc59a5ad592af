"""How wide the columns of a table on a terminal are, so that no word is broken; or that it does not fit.

A table that does not fit is printed as a list: one block of lines a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

GAPS = (2, 1)  # blanks between columns: first try, second try
LONGEST_WORD = 30  # longer words, such as addresses of pages, are folded where the column is narrower
LEAST_TEXT = 12  # columns that a text is not squeezed below, so that it does not run down the page

Measure = Callable[[str], int]


def least_width(lines: Sequence[str], *, is_unbroken: bool, measure: Measure) -> int:
    """The width below which a column with these lines is hard to read."""
    natural = max(map(measure, lines), default=0)
    if is_unbroken:
        return natural
    words = [min(measure(word), LONGEST_WORD) for line in lines for word in line.split()]
    return max([*words, min(natural, LEAST_TEXT)])


def fitted_widths(natural: Sequence[int], least: Sequence[int], room: int) -> list[int] | None:
    """The widths of columns that have `room` together, the widest ones narrowed first; None where they don't fit."""
    if sum(least) > room:
        return None
    widths = [min(width, room) for width in natural]
    while sum(widths) > room:
        widest = max(
            (position for position in range(len(widths)) if widths[position] > least[position]), key=widths.__getitem__
        )
        widths[widest] -= 1
    return widths
