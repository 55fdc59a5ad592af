"""The scheduler: APScheduler with one leader. Its jobs only insert due rows and enqueue; a second run is harmless."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from apscheduler.schedulers.background import BackgroundScheduler

from digest import file_fingerprints, logs, redis, settings
from digest.db.core import schema_migration
from digest.db.core.database_failures import FAILURES, is_program_error
from digest.errors import DigestError
from digest.services.alarms import alarm_rules, scheduler_alarm
from digest.services.delivery import delivery_worker
from digest.services.runs import completion_ping, retention, run_report
from workers.enqueue import CeleryEnqueue, enqueue
from workers.stop_signal import StopSignal

log = logs.get(__name__)

LEADER_LOCK_SECONDS = 30.0
TICK_SECONDS, SWEEP_SECONDS, PULSE_SECONDS = 60.0, 5.0, 15.0
SOURCES_SECONDS, ALARM_SECONDS, DAY_SECONDS = 60.0, 60.0, 86_400.0
HOUR_SECONDS, REPORT_SECONDS = 3600.0, 60.0
LOOK_UP_SECONDS = 60.0
BOUNCES_SECONDS = 300.0
CLOCK_CHECK_SECONDS, MIN_STEP_SECONDS = 5.0, 10.0


class LeaderLock:
    """A lock in Redis that expires, so that one of several schedulers acts. A loser stops before its next job.

    `process`: the name of this process in Redis, `host:pid`, by which `digest doctor` says which one leads.
    """

    def __init__(self, store: redis.RedisStore, process: str) -> None:
        self._store, self._process = store, process
        # Two containers may have the same host name and process id.
        self._holder = f"{process} {secrets.token_hex(4)}"
        self.term = 0

    def acquire(self) -> bool:
        """Take or renew the lock. False if another scheduler has it. Raises Transient if Redis does not answer."""
        term = self._store.acquire_lead(redis.SCHEDULER, self._holder, LEADER_LOCK_SECONDS)
        if term != self.term:
            log.info("scheduler_became_leader" if term else "scheduler_lost_lead", term=term)
        self.term = term
        return bool(term)

    def stamp_progress(self) -> None:
        """Record that this process checked its jobs just now, as the leader or not, and which files it has read."""
        self._store.record_progress(self._process, redis.SCHEDULER)
        fingerprints = file_fingerprints.fingerprints_of_read_files(settings.get().secret_key)
        self._store.record_file_fingerprints(self._process, redis.SCHEDULER, fingerprints)

    def release(self) -> None:
        """End in order: another scheduler can take the lock at once, and this one no longer counts as running."""
        self._store.release_lead(redis.SCHEDULER, self._holder)
        scheduler_alarm.note_orderly_end(self._store)
        self._store.remove_progress(self._process, redis.SCHEDULER)


class ClockStepWatch:
    """Notices that the wall clock was set back, which would put off all jobs by as much."""

    def __init__(
        self, *, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._difference = wall() - monotonic()

    def seconds_back(self) -> float:
        """By how many seconds the clock was set back since the last call; 0 for less than MIN_STEP_SECONDS."""
        previous, self._difference = self._difference, self._wall() - self._monotonic()
        step = previous - self._difference
        return step if step >= MIN_STEP_SECONDS else 0.0


def plan_due_work(task_queue: CeleryEnqueue) -> None:
    """Insert the runs that are due and enqueue their shards, and enqueue welcome editions whose task was lost."""
    from digest.services.editions.welcome import enqueue_missing_welcomes
    from digest.services.runs.run_planning import plan_due

    plan_due(task_queue)
    enqueue_missing_welcomes(task_queue)


def repair_schedules() -> None:
    """Bring forward what a clock that was ahead has put off."""
    from digest.services.runs import schedule_repair

    schedule_repair.repair_schedules()


def enqueue_due_fetches(task_queue: CeleryEnqueue) -> None:
    """Enqueue the sources that are due, each on its own schedule."""
    from digest.services.ingestion.fetch_schedule import due_sources

    for source in due_sources():
        task_queue.ingest(source)


def report_ended_runs(task_queue: CeleryEnqueue) -> None:
    """Queue the reports of runs that have ended."""
    if run_report.report_ended_runs():
        task_queue.deliver()


def create_scheduler(
    jobs: dict[str, tuple[float, Callable[[], object]]], leader: LeaderLock, *, now: datetime
) -> BackgroundScheduler:
    """A scheduler, not yet started, for jobs by name (interval in seconds, function); only the leader runs them."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        # No limit for late jobs, which would be skipped after it: after a suspension the daily ones for a day.
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for name, (seconds, job) in jobs.items():
        guarded_job = partial(_run_if_leader, leader, name, job)
        scheduler.add_job(guarded_job, "interval", seconds=seconds, id=name, next_run_time=now)
    return scheduler


def run_jobs_after_step_back(scheduler: BackgroundScheduler, watch: ClockStepWatch) -> None:
    """Make all jobs due where the wall clock was set back; APScheduler would wait until it has caught up."""
    if seconds := watch.seconds_back():
        log.warning("clock_set_back", seconds=round(seconds))
        for job in scheduler.get_jobs():
            job.modify(next_run_time=datetime.now(UTC))


def _run_if_leader(leader: LeaderLock, name: str, job: Callable[[], object]) -> None:
    try:
        if leader.acquire():
            job()
        leader.stamp_progress()
    except DigestError as error:
        log.warning("job_failed", job=name, reason=str(error))
    except FAILURES as error:
        if is_program_error(error):
            raise
        log.warning("job_failed", job=name, reason=str(schema_migration.explain_failure(error)))


def run() -> None:
    """Run the scheduler until SIGTERM or SIGINT."""
    settings.get().require("redis_url")
    task_queue = enqueue()
    leader = LeaderLock(redis.connect(settings.get().redis_url), redis.process_name())
    jobs: dict[str, tuple[float, Callable[[], object]]] = {
        "tick": (TICK_SECONDS, partial(plan_due_work, task_queue)),
        "sweep": (SWEEP_SECONDS, partial(delivery_worker.sweep, task_queue)),
        "schedules": (HOUR_SECONDS, repair_schedules),  # after a clock that was ahead
        "sources": (SOURCES_SECONDS, partial(enqueue_due_fetches, task_queue)),
        "measure": (HOUR_SECONDS, task_queue.measure),  # for papers that a command stored
        "summaries": (HOUR_SECONDS, task_queue.summarize),  # where an endpoint is configured
        "look_ups": (LOOK_UP_SECONDS, task_queue.look_up),  # of papers that subscribers start from
        "bounces": (BOUNCES_SECONDS, task_queue.poll_bounces),  # where an IMAP folder is configured
        "calibrate": (HOUR_SECONDS, task_queue.calibrate),  # only once a week there is something to do
        "signals": (DAY_SECONDS, task_queue.tidy_signals),
        "pulse": (PULSE_SECONDS, task_queue.pulse),
        "installation": (HOUR_SECONDS, task_queue.check_installation),
        "watch": (ALARM_SECONDS, alarm_rules.check_alarms),
        "reports": (REPORT_SECONDS, partial(report_ended_runs, task_queue)),
        "ping": (REPORT_SECONDS, completion_ping.ping_ended_runs),
        "upkeep": (DAY_SECONDS, retention.delete_expired),
    }
    with StopSignal() as stop:
        stop.install()
        scheduler = create_scheduler(jobs, leader, now=datetime.now(UTC))
        scheduler.start()
        watch = ClockStepWatch()
        while not stop.wait(CLOCK_CHECK_SECONDS):
            run_jobs_after_step_back(scheduler, watch)
    scheduler.shutdown(wait=True)
    leader.release()
