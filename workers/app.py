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
from digest.db.core import engine
from digest.interfaces import BACKGROUND
from digest.redis import broker_url
from workers.queues import PREFIX, ROUTES, Pool

# Longer than any task may take: a delivery's 10 s and its last message, or a shard. Redelivered later: harmless.
VISIBILITY_SECONDS = 1800
SECONDS_TO_CONNECT = 5

_served: tuple[str, ...] = ()

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
    task_default_queue=f"{PREFIX}{BACKGROUND}",
    task_routes=ROUTES,
    task_create_missing_queues=True,
    task_publish_retry=False,
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=SECONDS_TO_CONNECT,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "queue_order_strategy": "priority",  # a pool's queues in their order, not in turn
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


def process_name(pid: int) -> str:
    """How that process of this host is called where progress is kept."""
    return f"{socket.gethostname()}:{pid}"


def served() -> tuple[str, ...]:
    """The queues that this process serves; none before it works."""
    return _served


def work(pool: Pool | None = None, *, concurrency: int | None = None) -> int:
    """Run one worker until SIGTERM, which lets running tasks end. Returns its exit code.

    `pool`: what it serves; all queues where it is left out, with `concurrency` processes. A single process does its
    tasks itself, one after the other; several are children of this one.
    Started here, not by the `celery` executable, so that a folder's own `workers/` is never taken for ours.
    """
    global _served  # noqa: PLW0603 - set once, before any child is forked
    pool = pool or Pool(processes=concurrency or max(os.cpu_count() or 1, 2))
    _served = pool.queues
    settings.get().require("redis_url")
    warnings.simplefilter("ignore", SecurityWarning)  # of root and pickle: this queue reads JSON alone
    configure(settings.get().redis_url)
    worker = app.Worker(
        concurrency=pool.processes,
        pool="solo" if pool.processes == 1 else "prefork",
        queues=pool.lists(),
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


def _our_logs(**_: object) -> None:
    """Celery's own set-up would print arguments and bring handlers of its own."""
    logs.configure(level=settings.get().log_level)
    logging.getLogger("celery").setLevel(logging.WARNING)


def _fresh_child(**_: object) -> None:
    """A child shares no connection with its parent."""
    engine.dispose_engines()


setup_logging.connect(_our_logs)
worker_process_init.connect(_fresh_child)
