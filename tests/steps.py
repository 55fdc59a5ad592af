"""The cost of work in figures that a busy machine does not change: calls, and relative CPU time."""

from __future__ import annotations

import math
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


def costs_at_most(
    ratio: float, work: Callable[[], object], compared_with: Callable[[], object], *, least: float = 0.001
) -> bool:
    """True where `work` takes at most `ratio` times the CPU time of `compared_with`, in the best of up to three runs.

    They run in turn, as a machine's speed changes. `least`: the seconds that `compared_with` counts at least, as
    shorter times measure only the clock.
    """
    seconds, other_seconds = math.inf, math.inf
    for _ in range(3):
        other_seconds, seconds = min(other_seconds, _cpu(compared_with)), min(seconds, _cpu(work))
        if seconds < ratio * max(other_seconds, least):
            return True
    return False


def _cpu(work: Callable[[], object]) -> float:
    started_at = time.process_time()
    work()
    return time.process_time() - started_at
