"""Metrics for Prometheus. OPERATIONS.md lists them; their names are stable.

They need a bearer token: a counter that moves by one when somebody signs up with an address would reveal whether that
address is subscribed. Ages are ages in seconds, not points in time.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator, Mapping

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException

from digest import __version__
from digest.db.runs.run_reports import LastRun
from digest.i18n import localize
from digest.mail.outbox import send_metrics
from digest.models.delivery import DEFERRED, REJECTED, SENT, UNCERTAIN
from digest.models.monitoring import RUN_FAILED, RUN_FINISHED
from digest.services.admin import metric_figures
from digest.services.admin.metric_figures import MonitoringFigures, ProcessFigures
from digest.services.runs.run_report import RUNS_ENDED
from digest.web.api.health import NO_STORE_HEADERS, Authorization, may_see_details

router = APIRouter(include_in_schema=False)

# By stored counter: its description, its labels, and the values that exist from the start, so that the first event
# counts as an increase.
_COUNTERS: dict[str, tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    send_metrics.ATTEMPTS: (
        "Attempts to send a mail, by outcome and class of the server's reply",
        ("outcome", "reply"),
        (
            *((SENT, "2xx"), (DEFERRED, "4xx"), (DEFERRED, "5xx"), (DEFERRED, "none")),
            *((REJECTED, "5xx"), (UNCERTAIN, "none"), (send_metrics.WITHHELD, "none")),
        ),
    ),
    RUNS_ENDED: ("Runs that ended, by outcome", ("outcome",), ((RUN_FINISHED,), (RUN_FAILED,))),
}
_HISTOGRAMS = {
    send_metrics.SMTP_SECONDS: "Duration of the SMTP dialogue of one mail",
    send_metrics.DELIVERY_LAG: "Time from queueing a mail until the server accepted it",
}


@router.get("/metrics")
def metrics(authorization: Authorization = "") -> Response:
    """Current figures, for requests with a token."""
    if not may_see_details(authorization):
        message = localize(
            "this needs DIGEST_METRICS_TOKEN, or an API token with the scope metrics:read, as bearer token"
        )
        raise HTTPException(401, detail=message, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_MetricsCollector(metric_figures.monitoring_figures()))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers=NO_STORE_HEADERS)


class _MetricsCollector(Collector):
    """The metrics of one scrape."""

    def __init__(self, figures: MonitoringFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; those without a sample yet keep their name and description."""
        yield from self._states()
        yield from self._sources()
        yield from self._counters()
        yield from self._histograms()
        if self._figures.processes is not None:
            yield from _process_metrics(self._figures.processes)
        if self._figures.last_run is not None:
            yield from self._last_run(self._figures.last_run)
        for name, (description, value) in self._scalars().items():
            yield GaugeMetricFamily(f"digest_{name}", description, value=value)
        if self._figures.free_bytes is not None:
            yield _gauge("data_free_bytes", "Free space where DIGEST_DATA_DIR is", self._figures.free_bytes)
        build = GaugeMetricFamily("digest_build_info", "1, with the versions", labels=["version", "schema", "python"])
        build.add_metric([__version__, self._figures.schema, platform.python_version()], 1)
        yield build

    def _states(self) -> Iterator[Metric]:
        service = self._figures.service
        yield _labelled_gauge("deliveries", "E-mails by state", "state", service.deliveries)
        yield _labelled_gauge("subscribers", "Subscribers by state", "state", service.subscribers)
        yield _labelled_gauge("bounces", "Bounces of the last 30 days by kind", "kind", service.bounces)

    def _sources(self) -> Iterator[Metric]:
        sources = self._figures.sources
        states = GaugeMetricFamily("digest_source", "1 for the state that a source is in", labels=["source", "state"])
        for source in sources:
            states.add_metric([source.name, source.state], 1)
        yield states
        requests = {source.name: source.request_age for source in sources if source.request_age is not None}
        yield _labelled_gauge("source_request_age_seconds", "Time since the last request", "source", requests)
        successes = {source.name: source.success_age for source in sources if source.success_age is not None}
        yield _labelled_gauge("source_success_age_seconds", "Time since the last valid answer", "source", successes)
        papers = CounterMetricFamily("digest_source_papers", "Papers that were new in a source", labels=["source"])
        for name, count in self._figures.papers_by_source.items():
            papers.add_metric([name], count)
        yield papers

    def _counters(self) -> Iterator[Metric]:
        for name, (description, labels, initial_values) in _COUNTERS.items():
            values = dict.fromkeys(initial_values, 0.0)
            for (counter, pairs), value in self._figures.counters.items():
                if counter == name:
                    values[tuple(dict(pairs).get(label, "") for label in labels)] = value
            family = CounterMetricFamily(f"digest_{name}", description, labels=labels)
            for label_values, value in values.items():
                family.add_metric(label_values, value)
            yield family

    def _histograms(self) -> Iterator[Metric]:
        for name, description in _HISTOGRAMS.items():
            total, buckets = 0.0, []
            for bound in (*send_metrics.BUCKETS[name], math.inf):
                text = send_metrics.format_bound(bound)
                total += self._figures.counters.get((name, ((send_metrics.BUCKET_LABEL, text),)), 0.0)
                buckets.append((text, total))
            seconds = self._figures.counters.get((name, ((send_metrics.SUM_LABEL, ""),)), 0.0)
            yield HistogramMetricFamily(f"digest_{name}_seconds", description, buckets=buckets, sum_value=seconds)

    def _last_run(self, run: LastRun) -> Iterator[Metric]:
        age = max((self._figures.now - run.finished_at).total_seconds(), 0.0)
        duration = max((run.finished_at - run.created_at).total_seconds(), 0.0)
        yield _gauge("last_run_age_seconds", "Time since the last run finished", age)
        yield _gauge("last_run_duration_seconds", "Duration of the last finished run", duration)

    def _scalars(self) -> dict[str, tuple[str, float]]:
        service = self._figures.service
        return {
            "papers": ("Papers stored", service.papers),
            "edition_overdue_seconds": (
                "Time since the earliest slot whose edition is still owed, 0 for none",
                self._figures.edition_overdue,
            ),
            "oldest_due_seconds": ("Time since the oldest due e-mail became due", service.oldest_due),
            "queue_age_seconds": ("Time since the oldest waiting e-mail was queued", service.queue_age),
            "deliveries_overdue": ("E-mails due more than 30 minutes ago", service.overdue),
            "deliveries_held": ("E-mails that may have arrived and wait for a decision", service.held),
            "domains_paused": ("Receiving domains that are paused after a policy refusal", service.paused_domains),
            "addresses_suppressed": ("Addresses that must not be mailed", service.suppressed),
        }


def _process_metrics(processes: ProcessFigures) -> Iterator[Metric]:
    yield _gauge("redis_up", "1 if Redis answers", float(processes.is_up))
    yield _labelled_gauge("queue_tasks", "Tasks that wait for a worker, by queue", "queue", processes.queue_lengths)
    age = "Time since a worker of the queue made progress; +Inf if there is none"
    yield _labelled_gauge("worker_progress_age_seconds", age, "queue", processes.worker_ages)
    age = "Time since the scheduler made progress; +Inf if there is none"
    yield _gauge("scheduler_progress_age_seconds", age, processes.scheduler_age)


def _gauge(name: str, description: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"digest_{name}", description, value=value)


def _labelled_gauge(
    name: str, description: str, label: str, values: Mapping[str, float] | Mapping[str, int]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"digest_{name}", description, labels=[label])
    for value_of_label, value in sorted(values.items()):
        family.add_metric([value_of_label], value)
    return family
