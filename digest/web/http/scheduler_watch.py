"""A thread of the web process that records its progress every minute, and raises an alarm where no scheduler runs."""

from __future__ import annotations

import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from digest import file_fingerprints, logs, redis, settings
from digest.errors import DigestError
from digest.queues import Enqueue
from digest.services.alarms import scheduler_alarm

log = logs.get(__name__)


def start_watch(enqueue: Enqueue) -> threading.Thread:
    """Begin to record progress, and after a while to watch. The thread ends with the process."""
    thread = threading.Thread(target=_watch, args=(enqueue,), name="scheduler-watch", daemon=True)
    thread.start()
    return thread


def _watch(enqueue: Enqueue) -> None:
    pause = threading.Event()
    watch_from = time.monotonic() + scheduler_alarm.MAX_SILENCE.total_seconds()  # the scheduler may be starting, too
    while True:
        record_progress()
        if time.monotonic() >= watch_from:
            check_once(enqueue)
        pause.wait(scheduler_alarm.CHECK_EVERY_SECONDS)


def record_progress() -> None:
    """Record in Redis, where there is one, that this web process runs, and which files it has read."""
    config = settings.get()
    if not config.redis_url:
        return
    fingerprints = file_fingerprints.fingerprints_of_read_files(config.secret_key)
    try:
        store = redis.connect(config.redis_url)
        store.record_progress(redis.process_name(), redis.WEB)
        store.record_file_fingerprints(redis.process_name(), redis.WEB, fingerprints)
        store.close()
    except DigestError as error:
        log.warning("progress_not_stamped", reason=str(error))


def check_once(enqueue: Enqueue) -> None:
    """Check, and wake a worker for the alarm's mail, which no scheduler does."""
    try:
        if scheduler_alarm.check_scheduler():
            enqueue.deliver()
    except (DigestError, SQLAlchemyError) as error:
        log.warning("scheduler_not_checked", reason=type(error).__name__)
