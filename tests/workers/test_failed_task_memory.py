"""What a failed task leaves in memory is freed."""

from __future__ import annotations

import gc
import logging
import uuid
import weakref
from collections.abc import Iterator

import pytest
from celery import Task
from celery.app.trace import build_tracer

from digest.redis import PrivateRedis
from workers import failed_task_memory
from workers.app import app


class LoadedPapers:
    """What a task holds in a local variable."""


held_by_tasks: weakref.WeakSet[LoadedPapers] = weakref.WeakSet()


@pytest.fixture
def failing_task(monkeypatch: pytest.MonkeyPatch) -> Iterator[Task]:
    """A task that fails while it holds papers, in a process whose own garbage collection comes late."""

    def fail() -> None:
        papers = LoadedPapers()
        held_by_tasks.add(papers)
        raise OSError("the database is gone")

    monkeypatch.setattr(failed_task_memory, "SECONDS_BETWEEN_COLLECTIONS", 0.0)
    task = app.task(name="tests.fail")(fail)
    gc.collect()
    gc.disable()
    yield task
    gc.enable()
    app.tasks.unregister("tests.fail")


def run(task: Task) -> None:
    """Run a task as a worker does."""
    build_tracer(task.name, task, app=app)(str(uuid.uuid4()), (), {}, {})


def test_the_next_task_finds_the_memory_of_a_failed_one_freed(
    failing_task: Task, redis_server: PrivateRedis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="celery.app.trace")  # pytest would keep the exception that is logged
    run(failing_task)
    assert len(held_by_tasks) == 1

    run(app.tasks["pulse"])

    assert not held_by_tasks
