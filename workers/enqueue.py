"""The client of the task queue: enqueues each task by its name."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kombu.exceptions import OperationalError

from digest import logs, redis, settings
from digest.errors import Transient
from digest.queues import DELIVERY, QUEUES, SELECTION
from digest.redis.task_lists import QUEUE_PREFIX
from workers.app import app, configure
from workers.task_marks import current_store, mark_name
from workers.task_queues import (
    CALIBRATE,
    CALIBRATE_PART,
    CHECK_INSTALLATION,
    DELIVER,
    FREEZE,
    INGEST,
    LOOK_UP,
    MEASURE,
    POLL_BOUNCES,
    PULSE,
    SUMMARIZE,
    TIDY_SIGNALS,
    WELCOME,
)

log = logs.get(__name__)

# For how long a mark keeps a task from being enqueued again, unless the task clears it
DELIVER_MARK_SECONDS = 60.0
MARK_SECONDS = 600.0
WELCOME_MARK_SECONDS = 86_400.0  # the tasks of a large import wait for long
ALIVE_SECONDS = 45.0  # three pulses
PULSE_TIMEOUT_SECONDS = 3.0
PULSE_EXPIRY_SECONDS = 30.0


class CeleryEnqueue:
    """Enqueues tasks in Redis. A mark keeps a task that is still waiting from being enqueued again.

    Without Redis the task is lost; a later sweep enqueues it again.
    """

    def __init__(self, store: redis.RedisStore) -> None:
        self._store = store

    def freeze(self, run_id: int, shard: int) -> None:
        """Build and freeze the editions of one shard of a run."""
        self._enqueue_once(FREEZE, mark_name(FREEZE, run_id, shard), MARK_SECONDS, run_id, shard)

    def deliver(self) -> None:
        """Send the due deliveries."""
        self._enqueue_once(DELIVER, DELIVER, DELIVER_MARK_SECONDS)

    def welcome(self, subscriber_id: int) -> None:
        """Build the first edition of a subscriber who has just confirmed."""
        self._enqueue_once(WELCOME, mark_name(WELCOME, subscriber_id), WELCOME_MARK_SECONDS, subscriber_id)

    def ingest(self, source: str) -> None:
        """Fetch what is due or missing from a source."""
        self._enqueue_once(INGEST, mark_name(INGEST, source), MARK_SECONDS, source)

    def measure(self) -> None:
        """Measure the novelty of announced papers."""
        self._enqueue_once(MEASURE, MEASURE, MARK_SECONDS)

    def summarize(self) -> None:
        """Ask the configured endpoint for lines about new papers; nothing without one."""
        from digest.services.ingestion import summarize_papers

        if summarize_papers.is_due():
            self._enqueue_once(SUMMARIZE, SUMMARIZE, MARK_SECONDS)

    def look_up(self) -> None:
        """Look up example papers at the sources; nothing where none is waiting."""
        from digest.services.subscriptions import pending_example_lookup

        if pending_example_lookup.is_due():
            self._enqueue_once(LOOK_UP, LOOK_UP, MARK_SECONDS)

    def calibrate(self) -> None:
        """Calibrate the profiles for a new epoch."""
        self._enqueue_once(CALIBRATE, CALIBRATE, MARK_SECONDS)

    def calibrate_part(self, epoch_id: int, first_id: int, last_id: int) -> None:
        """Calibrate the profiles of a part of the subscribers."""
        self._enqueue_once(
            CALIBRATE_PART,
            mark_name(CALIBRATE_PART, epoch_id, first_id, last_id),
            MARK_SECONDS,
            epoch_id,
            first_id,
            last_id,
        )

    def tidy_signals(self) -> None:
        """Thin out old snapshots."""
        self._enqueue_once(TIDY_SIGNALS, TIDY_SIGNALS, MARK_SECONDS)

    def check_installation(self) -> None:
        """Check disk, certificate and DKIM in a process that sends mail."""
        self._enqueue_once(CHECK_INSTALLATION, CHECK_INSTALLATION, MARK_SECONDS)

    def poll_bounces(self) -> None:
        """Process returned mail of the configured IMAP folder; nothing without one."""
        if settings.get().bounce_imap_host:
            self._enqueue_once(POLL_BOUNCES, POLL_BOUNCES, MARK_SECONDS)

    def pulse(self, queues: Sequence[str] = QUEUES) -> None:
        """Ask the workers of these queues for a sign of life."""
        for queue in queues:
            mark = mark_name(PULSE, queue)
            options: dict[str, str | float] = {"queue": f"{QUEUE_PREFIX}{queue}", "expires": PULSE_EXPIRY_SECONDS}
            self._enqueue_once(PULSE, mark, PULSE_TIMEOUT_SECONDS, **options)

    def reenqueue(self, task: str, ids: Sequence[int | str]) -> None:
        """Enqueue a task again that was started but did not end."""
        try:
            app.send_task(task, args=list(ids))
        except OperationalError as error:
            log.warning("task_not_enqueued", task=task, reason=str(error))

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

    def _enqueue_once(self, task: str, mark: str, seconds: float, *ids: int | str, **options: str | float) -> None:
        is_marked = False
        try:
            is_marked = self._store.mark(mark, seconds)
            if is_marked:
                app.send_task(task, args=ids, **options)
        except (Transient, OperationalError) as error:
            log.warning("task_not_enqueued", task=task, reason=str(error))
            if is_marked:
                self._clear_mark(mark)  # else it could not be enqueued before the mark expires

    def _clear_mark(self, mark: str) -> None:
        try:
            self._store.record_end(mark)
        except Transient as error:
            log.warning("mark_not_cleared", reason=str(error))  # it expires


def enqueue(redis_url: str | None = None) -> CeleryEnqueue:
    """The client of the task queue in that Redis; without `redis_url` in the configured one."""
    configure(redis_url or settings.get().redis_url)
    return CeleryEnqueue(redis.connect(redis_url) if redis_url else current_store())
