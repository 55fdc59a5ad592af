"""The cost of work in figures that a busy machine does not change: calls, and relative CPU time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def calls(work: Callable[[], object]) -> int:
    """The number of Python and C function calls: the same on every machine."""
    count, before = 0, sys.getprofile()

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def cpu_ratio(work: Callable[[], object], compared_with: Callable[[], object], *, least: float = 0.001) -> float:
    """The CPU time of `work`, divided by that of `compared_with`.

    The minimum of three alternating runs each: load affects both. `least`: the minimum to divide by, in seconds,
    as shorter times measure only the clock.
    """
    times = [(_cpu(work), _cpu(compared_with)) for _ in range(3)]
    return min(cost for cost, _ in times) / max(min(cost for _, cost in times), least)


def _cpu(work: Callable[[], object]) -> float:
    started_at = time.process_time()
    work()
    return time.process_time() - started_at
