"""The figures behind `/metrics`: those of the dashboard, of Redis and the processes, of sources, runs and the disk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from digest import clock, redis, settings
from digest.db.core import schema_migration
from digest.db.core.engine import reading
from digest.db.papers import source_days
from digest.db.reporting import metric_counters
from digest.db.reporting.installation_totals import papers_by_source
from digest.db.reporting.metric_counters import LabelPairs
from digest.db.runs import run_reports, runs
from digest.db.runs.run_reports import LastRun
from digest.errors import Transient
from digest.queues import QUEUES
from digest.redis import running_instance
from digest.redis.task_lists import task_lists
from digest.services.admin import dashboard, doctor_host
from digest.services.ingestion import source_status


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """What Redis knows. `is_up`: it answers; ages are in seconds, infinite where no process of that kind exists."""

    is_up: bool
    queue_lengths: Mapping[str, int]
    worker_ages: Mapping[str, float]
    scheduler_age: float = math.inf


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """One source. `request_age`, `success_age`: seconds since the last request and the last valid answer."""

    name: str
    state: str
    request_age: float | None
    success_age: float | None


@dataclass(frozen=True, slots=True)
class MonitoringFigures:
    """Everything that `/metrics` shows. `processes`: None for an installation without Redis.

    `edition_overdue`: seconds since the earliest slot whose edition a subscriber has not got; 0 where none is owed.
    """

    now: datetime
    service: dashboard.ServiceFigures
    processes: ProcessFigures | None
    sources: Sequence[SourceFigures]
    papers_by_source: Mapping[str, int]
    counters: Mapping[tuple[str, LabelPairs], float]
    last_run: LastRun | None
    edition_overdue: float
    schema: str
    free_bytes: int | None


def monitoring_figures() -> MonitoringFigures:
    """The current figures. Redis that does not answer is one of them, not an error."""
    now = clock.now()
    sources = _source_figures(now)
    with reading() as session:
        papers, counters = papers_by_source(session), metric_counters.totals(session)
        last_run = run_reports.last_finished_run(session)
        owed_slots = runs.due_slots(session, now, limit=1)
    return MonitoringFigures(
        now=now,
        service=dashboard.service_figures(),
        processes=_process_figures(settings.get()),
        sources=sources,
        papers_by_source=papers,
        counters=counters,
        last_run=last_run,
        edition_overdue=max(((now - slot).total_seconds() for slot in owed_slots), default=0.0),
        schema=schema_migration.current_revision() or "",
        free_bytes=doctor_host.free_bytes(settings.get()),
    )


def _source_figures(now: datetime) -> list[SourceFigures]:
    with reading() as session:
        states = source_days.source_states(session)
    figures = []
    for status in source_status.source_statuses(now):
        state = states.get(status.source)
        request_age = _age(state.attempted_at if state else None, now)
        success_age = _age(state.succeeded_at if state else None, now)
        figures.append(SourceFigures(status.source, status.state, request_age, success_age))
    return figures


def _process_figures(config: settings.Settings) -> ProcessFigures | None:
    instance = running_instance.find_instance(config.data_dir)
    url = config.redis_url or (instance.redis_url if instance else "")
    if not url:
        return None
    try:
        store = redis.connect(url)
        lengths = {queue: sum(store.list_lengths(task_lists(queue))) for queue in QUEUES}
        worker_ages = {queue: _youngest(store.progress(redis.queue_kind(queue))) for queue in QUEUES}
        return ProcessFigures(True, lengths, worker_ages, _youngest(store.progress(redis.SCHEDULER)))
    except Transient:
        return ProcessFigures(False, {}, dict.fromkeys(QUEUES, math.inf))


def _youngest(ages: Mapping[str, float]) -> float:
    return min(ages.values(), default=math.inf)


def _age(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max((now - since).total_seconds(), 0.0)
