"""The Celery tasks, and the client that enqueues them. Each task takes ids, makes one call, and may run twice."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from functools import cache

from celery import Task
from celery.signals import (
    task_failure,
    task_postrun,
    task_prerun,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)
from kombu.exceptions import OperationalError

from digest import logs, redis, settings
from digest.db.core.retry_transaction import is_temporary
from digest.errors import BadInput, DigestError, Refused, Transient
from digest.queues import DELIVERY, QUEUES, SELECTION
from digest.redis.task_lists import QUEUE_PREFIX
from digest.services.delivery import delivery_worker
from workers.app import app, configure, process_name, served_queues

log = logs.get(__name__)

DELIVER = "deliver"
MEASURE = "measure"
SUMMARIZE = "summarize"
LOOK_UP = "look_up"
CALIBRATE, CALIBRATE_PART = "calibrate", "calibrate_part"
POLL_BOUNCES = "poll_bounces"
# For how long a mark keeps a task from being enqueued again, unless the task clears it
DELIVER_MARK_SECONDS = 60.0
MARK_SECONDS = 600.0
WELCOME_MARK_SECONDS = 86_400.0  # the tasks of a large import wait for long
TASK_SLICE_SECONDS = 120.0  # the rest becomes another task, so that a worker stops soon
SHORT_SLICE_SECONDS = 20.0
ALIVE_SECONDS = 45.0  # three pulses
BUSY_SECONDS = 180.0  # a task that started this lately counts as progress
PULSE_TIMEOUT_SECONDS = 3.0
MAX_STARTS = 3  # a task that kills its process this often is given up
DAY_SECONDS = 86_400.0


@app.task(name="freeze")  # type: ignore[untyped-decorator]
def freeze(run_id: int, shard: int) -> None:
    """Build and freeze the editions of one shard. Safe to run twice: a shard is done once."""
    from digest.services.runs import build_editions

    mark = _mark_name("freeze", run_id, shard)
    if _count_start(mark) > MAX_STARTS:
        log.error("shard_left_alone", run=run_id, shard=shard, starts=MAX_STARTS)
        return
    build_editions.build_shard(run_id, shard)
    _clear_mark(mark)
    enqueue().deliver()


@app.task(name="deliver")  # type: ignore[untyped-decorator]
def deliver() -> None:
    """Send due mail for about 10 s, and enqueue the task again if there is more. Safe to run twice: claims decide."""
    _clear_mark(DELIVER)  # first, because mail that becomes due from now on needs another task
    try:
        counts = delivery_worker.send_due_mail(on_more_work=enqueue().deliver)
    except Transient as error:
        log.warning("delivery_stopped", reason=str(error))
        return
    if counts.more:
        enqueue().deliver()


@app.task(name="welcome")  # type: ignore[untyped-decorator]
def welcome(subscriber_id: int) -> None:
    """Build the first edition of a subscriber who has just confirmed. Safe to run twice: one edition per date."""
    from digest.services.editions.welcome import first_edition

    try:
        first_edition(subscriber_id)
    finally:  # after a failure it may be enqueued again
        _clear_mark(_mark_name("welcome", subscriber_id))
    enqueue().deliver()


@app.task(name="ingest")  # type: ignore[untyped-decorator]
def ingest(source: str) -> None:
    """Fetch what is due or missing from a source for at most two minutes; enqueue the task again if there is more.

    Safe to run twice: storing is idempotent, and request pacing keeps two tasks from asking at once. The source of a
    task that was enqueued while another one ended is no longer due, and is not fetched again.
    """
    from digest.services.ingestion import catch_up, source_status

    more = False
    try:
        if source in source_status.due_sources():
            more = catch_up.ingest(source, seconds=TASK_SLICE_SECONDS).is_incomplete
    except (Transient, Refused, BadInput) as error:  # refused: it was paused or removed meanwhile
        log.warning("source_down", source=source, reason=str(error))
    _clear_mark(_mark_name("ingest", source))
    if more:
        enqueue().ingest(source)
    else:
        enqueue().measure()


@app.task(name="measure")  # type: ignore[untyped-decorator]
def measure() -> None:
    """Index papers for the search and measure their novelty, each for at most two minutes; again if there is more.

    First prepare the matching engine for the day's runs. Safe to run twice: a paper keeps its first figure.
    """
    from digest.services.catalog import novelty_and_score
    from digest.services.search import search_indexing
    from digest.services.selection import selector

    selector.prepare_engine()
    is_indexed = not search_indexing.index_papers(seconds=TASK_SLICE_SECONDS).is_incomplete
    more = novelty_and_score.measure_novelty(seconds=TASK_SLICE_SECONDS).is_incomplete or not is_indexed
    _clear_mark(MEASURE)
    if more:
        enqueue().measure()
    else:
        enqueue().summarize()


@app.task(name="summarize")  # type: ignore[untyped-decorator]
def summarize() -> None:
    """Ask the configured endpoint for lines about new papers for some seconds; enqueue the task again if there is more.

    The slice is short because fetches of sources wait for it. Safe to run twice: a paper keeps its first line.
    """
    from digest.services.ingestion import own_summaries

    more = own_summaries.summarize_papers(seconds=SHORT_SLICE_SECONDS).is_incomplete
    _clear_mark(SUMMARIZE)
    if more:
        enqueue().summarize()


@app.task(name="look_up")  # type: ignore[untyped-decorator]
def look_up() -> None:
    """Look up example papers of which only an identifier is known; enqueue the task again if there are more.

    Safe to run twice: a paper that was looked up is not waiting any more.
    """
    from digest.services.subscriptions import pending_example_lookup

    try:
        more = pending_example_lookup.look_up_examples().is_incomplete
    except Transient:
        more = False  # the scheduler tries again
    _clear_mark(LOOK_UP)
    if more:
        enqueue().look_up()


@app.task(name="calibrate")  # type: ignore[untyped-decorator]
def calibrate() -> None:
    """Enqueue a task for each of the next parts of subscribers to calibrate for a new epoch. Safe to run twice."""
    from digest.services.runs import calibration_job

    _clear_mark(CALIBRATE)
    due = calibration_job.due_parts()
    for first_id, last_id in due.parts:
        enqueue().calibrate_part(due.epoch_id, first_id, last_id)


@app.task(name=CALIBRATE_PART)  # type: ignore[untyped-decorator]
def calibrate_part(epoch_id: int, first_id: int, last_id: int) -> None:
    """Calibrate the profiles of a part of the subscribers, then enqueue the next. Safe to run twice: once an epoch."""
    from digest.services.runs import calibration_job

    done = calibration_job.calibrate_part(epoch_id, first_id, last_id)
    _clear_mark(_mark_name(CALIBRATE_PART, epoch_id, first_id, last_id))
    if done:
        enqueue().calibrate()


@app.task(name="tidy_signals")  # type: ignore[untyped-decorator]
def tidy_signals() -> None:
    """Thin out old snapshots. Safe to run twice."""
    from digest.services.ingestion import signal_cleanup

    signal_cleanup.thin_out_snapshots()


@app.task(name="check_installation")  # type: ignore[untyped-decorator]
def check_installation() -> None:
    """Check mail servers and DKIM; raise alarms about disk, certificate and DKIM. One alarm a day for each."""
    from digest.services.admin import installation_alarms, worker_findings

    worker_findings.record_mail_checks()
    if installation_alarms.check_installation():
        enqueue().deliver()


@app.task(name="poll_bounces")  # type: ignore[untyped-decorator]
def poll_bounces() -> None:
    """Process returned mail of the configured IMAP folder. Safe to run twice: a message counts once."""
    from digest.services.admin import worker_findings
    from digest.services.bounces import imap_poll

    failure: DigestError | None = None
    try:
        imap_poll.poll()
    except DigestError as error:
        failure = error
        log.warning("bounces_not_polled", reason=str(error))
    worker_findings.record_poll(failure)
    _clear_mark(POLL_BOUNCES)


@app.task(name="pulse", expires=30)  # type: ignore[untyped-decorator]
def pulse() -> None:
    """Do nothing: that a worker runs it shows that the worker makes progress."""


class CeleryEnqueue:
    """Enqueues tasks in Redis. A mark keeps a task that is still waiting from being enqueued again.

    Without Redis the task is lost; a later sweep enqueues it again.
    """

    def __init__(self, store: redis.RedisStore) -> None:
        self._store = store

    def freeze(self, run_id: int, shard: int) -> None:
        """Build and freeze the editions of one shard of a run."""
        self._enqueue_once(freeze, _mark_name("freeze", run_id, shard), MARK_SECONDS, run_id, shard)

    def deliver(self) -> None:
        """Send the due deliveries."""
        self._enqueue_once(deliver, DELIVER, DELIVER_MARK_SECONDS)

    def welcome(self, subscriber_id: int) -> None:
        """Build the first edition of a subscriber who has just confirmed."""
        self._enqueue_once(welcome, _mark_name("welcome", subscriber_id), WELCOME_MARK_SECONDS, subscriber_id)

    def ingest(self, source: str) -> None:
        """Fetch what is due or missing from a source."""
        self._enqueue_once(ingest, _mark_name("ingest", source), MARK_SECONDS, source)

    def measure(self) -> None:
        """Measure the novelty of announced papers."""
        self._enqueue_once(measure, MEASURE, MARK_SECONDS)

    def summarize(self) -> None:
        """Ask the configured endpoint for lines about new papers; nothing without one."""
        from digest.services.ingestion import own_summaries

        if own_summaries.is_due():
            self._enqueue_once(summarize, SUMMARIZE, MARK_SECONDS)

    def look_up(self) -> None:
        """Look up example papers at the sources; nothing where none is waiting."""
        from digest.services.subscriptions import pending_example_lookup

        if pending_example_lookup.is_due():
            self._enqueue_once(look_up, LOOK_UP, MARK_SECONDS)

    def calibrate(self) -> None:
        """Calibrate the profiles for a new epoch."""
        self._enqueue_once(calibrate, CALIBRATE, MARK_SECONDS)

    def calibrate_part(self, epoch_id: int, first_id: int, last_id: int) -> None:
        """Calibrate the profiles of a part of the subscribers."""
        self._enqueue_once(
            calibrate_part,
            _mark_name(CALIBRATE_PART, epoch_id, first_id, last_id),
            MARK_SECONDS,
            epoch_id,
            first_id,
            last_id,
        )

    def tidy_signals(self) -> None:
        """Thin out old snapshots."""
        self._enqueue_once(tidy_signals, "tidy_signals", MARK_SECONDS)

    def check_installation(self) -> None:
        """Check disk, certificate and DKIM in a process that sends mail."""
        self._enqueue_once(check_installation, "check_installation", MARK_SECONDS)

    def poll_bounces(self) -> None:
        """Process returned mail of the configured IMAP folder; nothing without one."""
        if settings.get().bounce_imap_host:
            self._enqueue_once(poll_bounces, POLL_BOUNCES, MARK_SECONDS)

    def pulse(self, queues: Sequence[str] = QUEUES) -> None:
        """Ask the workers of these queues for a sign of life."""
        for queue in queues:
            self._enqueue_once(pulse, _mark_name("pulse", queue), PULSE_TIMEOUT_SECONDS, queue=f"{QUEUE_PREFIX}{queue}")

    def reenqueue(self, task: str, ids: Sequence[int | str]) -> None:
        """Enqueue a task again that was started but did not end."""
        try:
            app.send_task(task, args=list(ids))
        except OperationalError as error:
            log.warning("wake_up_lost", task=task, reason=str(error))

    def alive(self) -> bool:
        """True if workers that build editions and send mail made progress lately, or respond within seconds."""
        try:
            silent_queues = self._silent_queues((SELECTION, DELIVERY), ALIVE_SECONDS)
            if silent_queues:
                self.pulse(silent_queues)
            deadline = time.monotonic() + PULSE_TIMEOUT_SECONDS
            while silent_queues and time.monotonic() < deadline:
                time.sleep(0.05)
                silent_queues = self._silent_queues(silent_queues, PULSE_TIMEOUT_SECONDS)
        except Transient:
            return False
        return not silent_queues

    def _silent_queues(self, queues: Sequence[str], seconds: float) -> list[str]:
        """The queues without progress in the last `seconds`."""
        ages = {queue: self._store.progress(redis.queue_kind(queue)).values() for queue in queues}
        return [queue for queue in queues if min(ages[queue], default=seconds) >= seconds]

    def _enqueue_once(self, task: Task, mark: str, seconds: float, *ids: int | str, queue: str | None = None) -> None:
        is_marked = False
        try:
            is_marked = self._store.mark(mark, seconds)
            if is_marked:
                task.apply_async(args=ids, **({"queue": queue} if queue else {}))
        except (Transient, OperationalError) as error:
            log.warning("wake_up_lost", task=task.name, reason=str(error))
            if is_marked:
                _clear_mark(mark)  # else it could not be enqueued before the mark expires


def enqueue() -> CeleryEnqueue:
    """The client of the task queue in the configured Redis."""
    configure(settings.get().redis_url)
    return CeleryEnqueue(_connect_store(os.getpid(), settings.get().redis_url))


@cache
def _connect_store(_process: int, url: str) -> redis.RedisStore:
    return redis.connect(url)


def _mark_name(task: str, *ids: int | str) -> str:
    """The name of the mark of a task that is waiting."""
    return ":".join([task, *map(str, ids)])


def _count_start(name: str) -> int:
    try:
        return _connect_store(os.getpid(), settings.get().redis_url).record_start(name, DAY_SECONDS)
    except Transient:
        return 1


def _clear_mark(name: str) -> None:
    try:
        _connect_store(os.getpid(), settings.get().redis_url).record_end(name)
    except Transient as error:
        log.warning("mark_kept", reason=str(error))  # it expires


def _on_task_start(task: Task, args: Sequence[int | str], **_: object) -> None:
    """Record the current task, so that a long task counts as progress and the task of a dead process is found."""
    if task.name == pulse.name:  # takes no time: a process that is busy with it hangs
        return
    current_task = json.dumps([task.name, list(args)])
    try:
        _current_store().task_started(process_name(os.getpid()), served_queues(), current_task, seconds=BUSY_SECONDS)
    except Transient as error:
        log.warning("progress_not_stamped", reason=str(error))


def _on_task_end(**_: object) -> None:
    """Record progress: a task has ended, or the worker is ready."""
    try:
        _current_store().task_ended(process_name(os.getpid()), served_queues())
    except Transient as error:
        log.warning("progress_not_stamped", reason=str(error))


def _on_worker_ready(**_kwargs: object) -> None:
    """Record progress, and enqueue the unfinished tasks of dead processes of this host again.

    Redis would redeliver their messages only after `VISIBILITY_SECONDS`.
    """
    _on_task_end()
    try:
        for process in _current_store().processes_with_task():
            host, _separator, pid = process.rpartition(":")
            if host == socket.gethostname() and _is_dead(int(pid)):
                current_task = _current_store().remove_process(process, QUEUES)
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


def _on_shutdown(**_: object) -> None:
    """Remove the progress of a process that ends in order."""
    try:
        _current_store().remove_process(process_name(os.getpid()), served_queues())
    except Transient as error:
        log.warning("progress_not_stamped", reason=str(error))


def _on_task_failure(sender: Task, exception: BaseException, args: Sequence[int | str], **_: object) -> None:
    """Free the mark of a task that a short failure of the database stopped, so that it is enqueued again at once."""
    if isinstance(exception, Transient) or is_temporary(exception):
        log.warning("task_stopped", task=sender.name, reason=type(exception).__name__)
        _clear_mark(_mark_name(sender.name, *args))


def _current_store() -> redis.RedisStore:
    return _connect_store(os.getpid(), settings.get().redis_url)


task_prerun.connect(_on_task_start)
task_postrun.connect(_on_task_end)
task_failure.connect(_on_task_failure)
worker_ready.connect(_on_worker_ready)
worker_shutdown.connect(_on_shutdown)
worker_process_shutdown.connect(_on_shutdown)
