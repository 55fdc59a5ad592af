"""The scheduler: APScheduler, one leader. A tick only inserts due rows and enqueues; a second firing is harmless."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from apscheduler.schedulers.background import BackgroundScheduler

from digest import logs, redis, settings
from digest.errors import DigestError
from digest.services.alarms import alarm_rules
from digest.services.delivery import delivery_worker as delivering
from digest.services.runs import retention
from workers.stop_signal import StopSignal
from workers.tasks import CeleryEnqueue, enqueue

log = logs.get(__name__)

LEAD = "scheduler"
SECONDS_OF_LEAD = 30.0
TICK_SECONDS, SWEEP_SECONDS, PULSE_SECONDS = 60.0, 5.0, 15.0
SOURCES_SECONDS, WATCH_SECONDS, A_DAY_SECONDS = 60.0, 60.0, 86_400.0
AN_HOUR_SECONDS = 3600.0
GRACE_SECONDS = 3600  # a late job still runs; a second of default grace would skip it


class Leader:
    """One of several schedulers acts, by a lock in Redis that expires. Who loses it stops at the next job."""

    def __init__(self, store: redis.RedisStore, holder: str) -> None:
        self._store, self._holder = store, holder
        self.term = 0

    def leads(self) -> bool:
        """Take or keep the lead. False where another has it. Raises Transient where Redis does not answer."""
        term = self._store.lead(LEAD, self._holder, SECONDS_OF_LEAD)
        if term != self.term:
            log.info("scheduler_lead", term=term, leads=bool(term))
        self.term = term
        return bool(term)

    def progressed(self) -> None:
        """Note that this process looked after its jobs just now, leading or not."""
        self._store.stamp(self._holder, redis.SCHEDULER)

    def leave(self) -> None:
        """Let another take the lead at once."""
        self._store.leave(LEAD, self._holder)


def tick(port: CeleryEnqueue) -> None:
    """Insert the runs that are due and enqueue their shards; ask again for welcomes whose wake-up was lost."""
    from digest.services.editions.welcome import enqueue_missing_welcomes
    from digest.services.runs.run_planning import plan_due

    plan_due(port)
    enqueue_missing_welcomes(port)


def enqueue_due_fetches(port: CeleryEnqueue) -> None:
    """Enqueue the sources to be asked now, each at its own times in New York."""
    from digest.services.ingestion.source_status import due_sources

    for source in due_sources():
        port.ingest(source)


def schedule(
    jobs: dict[str, tuple[float, Callable[[], object]]], leader: Leader, *, now: datetime
) -> BackgroundScheduler:
    """A scheduler for these jobs (name: seconds between, what), each run by the leader alone; not yet started."""
    made = BackgroundScheduler(
        timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": GRACE_SECONDS}
    )
    for name, (seconds, job) in jobs.items():
        led = partial(_if_leading, leader, name, job)
        made.add_job(led, "interval", seconds=seconds, id=name, next_run_time=now)
    return made


def _if_leading(leader: Leader, name: str, job: Callable[[], object]) -> None:
    try:
        if leader.leads():
            job()
        leader.progressed()
    except DigestError as error:
        log.warning("job_failed", job=name, reason=str(error))


def run() -> None:
    """Schedule until SIGTERM or SIGINT."""
    settings.get().require("redis_url")
    port = enqueue()
    leader = Leader(redis.connect(settings.get().redis_url), f"{socket.gethostname()}:{os.getpid()}")
    jobs: dict[str, tuple[float, Callable[[], object]]] = {
        "tick": (TICK_SECONDS, partial(tick, port)),
        "sweep": (SWEEP_SECONDS, partial(delivering.sweep, port)),
        "sources": (SOURCES_SECONDS, partial(enqueue_due_fetches, port)),
        "measure": (AN_HOUR_SECONDS, port.measure),  # also what a command stored
        "calibrate": (AN_HOUR_SECONDS, port.calibrate),  # once a week there is something to do
        "signals": (A_DAY_SECONDS, port.tidy_signals),
        "pulse": (PULSE_SECONDS, port.pulse),
        "watch": (WATCH_SECONDS, alarm_rules.check_alarms),
        "upkeep": (A_DAY_SECONDS, retention.delete_expired),
    }
    with StopSignal() as stop:
        stop.install()
        scheduler = schedule(jobs, leader, now=datetime.now(UTC))
        scheduler.start()
        stop.wait()
    scheduler.shutdown(wait=True)
    leader.leave()
