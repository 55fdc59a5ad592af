"""The task queue: Celery on Redis. Messages carry ids; losing or doubling one changes nothing, claims decide."""

from __future__ import annotations

import logging
import os
import socket
import warnings

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_process_init

from digest import logs, settings
from digest.db import engine
from digest.redis import broker_url

QUEUE = "digest"
# Longer than any task may take: a delivery's 10 s and its last message, or a shard. Redelivered later: harmless.
VISIBILITY_SECONDS = 1800
SECONDS_TO_CONNECT = 5

app = Celery("digest", set_as_current=True)
app.conf.update(
    imports=("workers.tasks",),  # by name: the tasks stand above the app
    accept_content=["json"],
    task_serializer="json",
    result_backend=None,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    task_default_queue=QUEUE,
    task_create_missing_queues=True,
    task_publish_retry=False,
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=SECONDS_TO_CONNECT,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_connect_timeout": SECONDS_TO_CONNECT,
        "socket_keepalive": True,
        "health_check_interval": 25,
    },
    enable_utc=True,
    timezone="UTC",
)


def configure(redis_url: str) -> Celery:
    """The app, talking to the Redis at that address (`redis://…` or `unix:///path`)."""
    app.conf.broker_url = broker_url(redis_url)
    return app


def own_queue() -> str:
    """The queue that the worker of this host alone serves: how its health is asked."""
    return f"{QUEUE}.{socket.gethostname()}"


def work(*, concurrency: int | None = None) -> int:
    """Run a worker until SIGTERM, which lets running tasks end. Returns its exit code.

    Started here, not by the `celery` executable, so that a folder's own `workers/` is never taken for ours.
    """
    settings.get().require("redis_url")
    warnings.simplefilter("ignore", SecurityWarning)  # of root and pickle: this queue reads JSON alone
    configure(settings.get().redis_url)
    worker = app.Worker(
        concurrency=concurrency or max(os.cpu_count() or 1, 2),
        pool="prefork",
        queues=[QUEUE, own_queue()],
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        optimization="fair",
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _our_logs(**_: object) -> None:
    """Celery's own set-up would print arguments and bring handlers of its own."""
    logs.configure(level=settings.get().log_level)
    logging.getLogger("celery").setLevel(logging.WARNING)


def _fresh_child(**_: object) -> None:
    """A child shares no connection with its parent."""
    engine.forget()


setup_logging.connect(_our_logs)
worker_process_init.connect(_fresh_child)
