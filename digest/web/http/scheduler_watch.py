"""A thread of the web process that looks every minute whether a scheduler runs, and raises an alarm if none does."""

from __future__ import annotations

import threading

from sqlalchemy.exc import SQLAlchemyError

from digest import logs
from digest.errors import DigestError
from digest.queues import Enqueue
from digest.services.alarms import scheduler_alarm

log = logs.get(__name__)


def start_watch(enqueue: Enqueue) -> threading.Thread:
    """Begin to watch. The thread ends with the process."""
    thread = threading.Thread(target=_watch, args=(enqueue,), name="scheduler-watch", daemon=True)
    thread.start()
    return thread


def _watch(enqueue: Enqueue) -> None:
    pause = threading.Event()
    pause.wait(scheduler_alarm.MAX_SILENCE.total_seconds())  # the scheduler may be starting, too
    while True:
        check_once(enqueue)
        pause.wait(scheduler_alarm.CHECK_EVERY_SECONDS)


def check_once(enqueue: Enqueue) -> None:
    """Check, and wake a worker for the alarm's mail, which no scheduler does."""
    try:
        if scheduler_alarm.check_scheduler():
            enqueue.deliver()
    except (DigestError, SQLAlchemyError) as error:
        log.warning("scheduler_not_checked", reason=type(error).__name__)
