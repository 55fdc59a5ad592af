"""What work costs, in figures that a busy machine does not change: calls, and CPU time beside that of other work."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def calls(work: Callable[[], object]) -> int:
    """How many functions are called for it, written in Python or C: the same on every machine."""
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


def dearer(work: Callable[[], object], than: Callable[[], object], *, least: float = 0.001) -> float:
    """How many times the CPU time of `than` it takes.

    The cheapest of three turns each, one after the other: load makes both dearer. `least`: seconds that `than` is
    taken to take at least; below, a clock measures itself.
    """
    turns = [(_cpu(work), _cpu(than)) for _ in range(3)]
    return min(cost for cost, _ in turns) / max(min(cost for _, cost in turns), least)


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
