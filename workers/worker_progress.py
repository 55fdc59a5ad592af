"""Records in Redis what each worker process does, and takes over the tasks of processes that died."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence

from celery import Task
from celery.signals import (
    task_failure,
    task_postrun,
    task_prerun,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)

from digest import file_fingerprints, logs, settings
from digest.db.core.database_failures import is_temporary
from digest.errors import Transient
from digest.queues import QUEUES
from digest.redis import WORKER, process_name
from workers.app import app, served_queues
from workers.enqueue import enqueue
from workers.task_marks import current_store, mark_name, shorten_mark
from workers.task_queues import PULSE

log = logs.get(__name__)

BUSY_SECONDS = 180.0  # a task that started this lately counts as progress
RETRY_SECONDS = 15.0  # after a failure of the database


@app.task(name=PULSE)  # type: ignore[untyped-decorator]
def pulse() -> None:
    """Do nothing: that a worker runs it shows that the worker makes progress."""


def _on_task_start(task: Task, args: Sequence[int | str], **_: object) -> None:
    """Record the current task, so that a long task counts as progress and the task of a dead process is found."""
    if task.name == PULSE:  # takes no time: a process that is busy with it hangs
        return
    current_task = json.dumps([task.name, list(args)])
    try:
        current_store().task_started(process_name(), served_queues(), current_task, seconds=BUSY_SECONDS)
    except Transient as error:
        log.warning("progress_not_stamped", reason=str(error))


def _on_task_end(**_: object) -> None:
    """Record progress: a task has ended, or the worker is ready."""
    try:
        current_store().task_ended(process_name(), served_queues())
    except Transient as error:
        log.warning("progress_not_stamped", reason=str(error))


def _record_read_files(**_: object) -> None:
    """Record which files this process has read: settings by its start, the DKIM key by its first mail."""
    fingerprints = file_fingerprints.fingerprints_of_read_files(settings.get().secret_key)
    try:
        current_store().record_file_fingerprints(process_name(), WORKER, fingerprints)
    except Transient as error:
        log.warning("read_files_not_recorded", reason=str(error))


def _on_worker_ready(**_kwargs: object) -> None:
    """Record progress, and enqueue the unfinished tasks of dead processes of this host again.

    Redis would redeliver their messages only after `VISIBILITY_SECONDS`.
    """
    _on_task_end()
    try:
        for process in current_store().processes_with_task():
            host, _separator, pid = process.rpartition(":")
            if host == socket.gethostname() and _is_dead(int(pid)):
                current_task = current_store().remove_process(process, QUEUES)
                if current_task is not None:
                    enqueue().reenqueue(*json.loads(current_task))
    except Transient as error:
        log.warning("tasks_not_taken_over", reason=str(error))


def _is_dead(pid: int) -> bool:
    """True also for our own pid: it was that of an earlier process, because this one has not started a task yet."""
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _on_task_failure(sender: Task, exception: BaseException, args: Sequence[int | str], **_: object) -> None:
    """Let a task that a failure of the database stopped be enqueued again soon, but not as fast as it may fail."""
    if isinstance(exception, Transient) or is_temporary(exception):
        log.warning("task_stopped", task=sender.name, reason=type(exception).__name__)
        shorten_mark(mark_name(sender.name, *args), RETRY_SECONDS)


def _on_shutdown(**_: object) -> None:
    """Remove the progress of a process that ends in order."""
    try:
        current_store().remove_process(process_name(), served_queues())
    except Transient as error:
        log.warning("progress_not_stamped", reason=str(error))


task_prerun.connect(_on_task_start)
task_postrun.connect(_on_task_end)
task_postrun.connect(_record_read_files)
task_failure.connect(_on_task_failure)
worker_ready.connect(_on_worker_ready)
worker_ready.connect(_record_read_files)
worker_process_init.connect(_record_read_files)  # at once, as it may have the process id of a killed one
worker_shutdown.connect(_on_shutdown)
worker_process_shutdown.connect(_on_shutdown)
