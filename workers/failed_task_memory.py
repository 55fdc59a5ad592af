"""Frees the memory of failed tasks: frames and a copy of the traceback, in reference cycles that Celery leaves.

A copy takes up to a megabyte, because it holds the position of each instruction. Python's collector would leave it for
hours: a full collection waits until a quarter of all objects is new, and a failed task leaves few, but large ones.
"""

from __future__ import annotations

import gc
import math
import time

from celery.signals import task_failure, task_prerun, task_retry

SECONDS_BETWEEN_COLLECTIONS = 60.0  # one takes 0.2 s; during an outage many tasks fail

_has_failed_task = False
_last_collection = -math.inf


def _on_task_failure(**_: object) -> None:
    """Remember that there is something to collect; the task's frames still run."""
    global _has_failed_task  # noqa: PLW0603 - one worker process, one task at a time
    _has_failed_task = True


def _on_task_start(**_: object) -> None:
    """Collect what earlier tasks left."""
    global _has_failed_task, _last_collection
    if _has_failed_task and time.monotonic() - _last_collection >= SECONDS_BETWEEN_COLLECTIONS:
        _has_failed_task, _last_collection = False, time.monotonic()
        gc.collect()


task_failure.connect(_on_task_failure)
task_retry.connect(_on_task_failure)
task_prerun.connect(_on_task_start)
