"""The task queue: Celery on Redis. Messages carry ids only. A lost or repeated one is harmless: claims decide."""

from __future__ import annotations

import logging
import os
import socket
import warnings

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_process_init

from digest import logs, settings
from digest.db.core import engine
from digest.queues import BACKGROUND
from digest.redis import broker_url
from digest.redis.task_lists import QUEUE_PREFIX
from workers.task_queues import ROUTES, WorkerPool

# Longer than any task takes (a delivery task: 10 s and a message; a shard). Earlier redelivery would be harmless.
VISIBILITY_SECONDS = 1800
CONNECT_TIMEOUT_SECONDS = 5
# A Redis that does not answer for 25 s is gone. By default a worker that waits for tasks would notice after two hours.
KEEPALIVE_OPTIONS = {
    getattr(socket, name): value
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 25_000))
    if hasattr(socket, name)
}

_served_queues: tuple[str, ...] = ()

app = Celery("digest", set_as_current=True)
app.conf.update(
    imports=(
        "workers.tasks",
        "workers.worker_progress",
        "workers.failed_task_memory",
    ),  # by name, because these modules import this one
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
    task_default_queue=f"{QUEUE_PREFIX}{BACKGROUND}",
    task_routes=ROUTES,
    task_create_missing_queues=True,
    task_publish_retry=False,
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=CONNECT_TIMEOUT_SECONDS,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "queue_order_strategy": "priority",  # the queues of a pool in order, not round-robin
        "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "socket_keepalive": True,
        "socket_keepalive_options": KEEPALIVE_OPTIONS,
        "health_check_interval": 25,
    },
    enable_utc=True,
    timezone="UTC",
)


def configure(redis_url: str) -> Celery:
    """The app, connected to that Redis (`redis://…` or `unix:///path`)."""
    app.conf.broker_url = broker_url(redis_url)
    return app


def served_queues() -> tuple[str, ...]:
    """The queues that this process serves; empty before `run_worker`."""
    return _served_queues


def run_worker(pool: WorkerPool | None = None, *, concurrency: int | None = None) -> int:
    """Run one worker until SIGTERM, which lets running tasks finish. Returns its exit code.

    `pool`: the queues to serve; by default all, with `concurrency` processes. A single process runs the tasks itself;
    several are children of this one. Not started by the `celery` executable, which could import another `workers/`
    from the current folder.
    """
    global _served_queues  # noqa: PLW0603 - set once, before any child is forked
    pool = pool or WorkerPool(processes=concurrency or max(os.cpu_count() or 1, 2))
    _served_queues = pool.queues
    settings.get().require("redis_url")
    warnings.simplefilter("ignore", SecurityWarning)  # about root and pickle: this queue accepts only JSON
    configure(settings.get().redis_url)
    worker = app.Worker(
        concurrency=pool.processes,
        pool="solo" if pool.processes == 1 else "prefork",
        queues=pool.redis_lists(),
        hostname=f"{pool.name}@{socket.gethostname()}",
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        optimization="fair",
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _configure_logging(**_: object) -> None:
    """Replace Celery's own logging, which would print the arguments of tasks."""
    logs.configure(level=settings.get().log_level)
    logging.getLogger("celery").setLevel(logging.WARNING)


def _dispose_inherited_connections(**_: object) -> None:
    """Close connections inherited from the parent process."""
    engine.dispose_engines()


setup_logging.connect(_configure_logging)
worker_process_init.connect(_dispose_inherited_connections)
