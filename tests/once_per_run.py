"""What is expensive to make and only read: made by the first of pytest's processes that asks, for all of them."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from typing import TypeVar

import pytest

Value = TypeVar("Value")


def once_per_run(factory: pytest.TempPathFactory, name: str, make: Callable[[], Value]) -> Value:
    """What `make` returns (it must be picklable). The other processes wait for it; where it fails, they try it, too."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of the run
    file = folder / f"{name}.pickle"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            unfinished = file.with_suffix(".unfinished")
            unfinished.write_bytes(pickle.dumps(make()))
            unfinished.replace(file)
        value: Value = pickle.loads(file.read_bytes())
    return value
