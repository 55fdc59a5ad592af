"""The state of the service for the dashboard and monitoring. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest import clock
from digest.db.bounces import reports
from digest.db.core import engine
from digest.db.outbox import deliveries as outbox
from digest.db.reporting import mail_overview
from digest.db.subscribers import subscribers
from digest.models import Batch, Run
from digest.models.delivery import CANCELLED, DEFERRED, QUEUED, REJECTED, SENDING, SENT, SUPPRESSED, UNCERTAIN
from digest.models.types import stored_id
from digest.services.admin import paused_domains_admin
from digest.services.alarms.alarm_rules import OVERDUE_AFTER
from digest.services.ingestion.source_status import SourceStatus, source_statuses

BOUNCE_WINDOW = timedelta(days=30)
MAX_RUNS = 20
STATES = (QUEUED, SENDING, SENT, DEFERRED, REJECTED, UNCERTAIN, CANCELLED, SUPPRESSED)


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """Figures for monitoring. `oldest_due`: seconds since the longest waiting mail became due.

    `queue_age`: seconds since the oldest waiting mail was queued, deferred ones included; `bounces`: of 30 days.
    """

    deliveries: Mapping[str, int]
    subscribers: Mapping[str, int]
    papers: int
    oldest_due: float
    queue_age: float
    overdue: int
    held: int
    paused_domains: int
    suppressed: int
    bounces: Mapping[str, int]

    @property
    def waiting(self) -> int:
        """Mails that are due and not sent."""
        return sum(self.deliveries.get(state, 0) for state in (QUEUED, SENDING, DEFERRED, UNCERTAIN))


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The dashboard: newest runs with their mails by state, sources, bounces, paused domains.

    `run_of_held`: the run of the oldest mail that is held, None for none.
    """

    counts: ServiceFigures
    runs: Sequence[Run]
    deliveries_by_run: Mapping[int, Mapping[str, int]]
    sources: Sequence[Batch]
    source_statuses: Sequence[SourceStatus]
    bounces: Mapping[str, int]
    suppressed: int
    paused_domains: Sequence[paused_domains_admin.PausedDomain]
    run_of_held: int | None


def service_figures() -> ServiceFigures:
    """The current figures."""
    now = clock.now()
    with engine.reading() as session:
        return ServiceFigures(
            deliveries=mail_overview.deliveries_by_state(session),
            subscribers=subscribers.count_by_state(session),
            papers=mail_overview.count_papers(session),
            oldest_due=_age(mail_overview.oldest_due(session, now=now), now),
            queue_age=_age(mail_overview.oldest_waiting(session), now),
            overdue=outbox.count_overdue(session, now - OVERDUE_AFTER),
            held=mail_overview.count_held(session),
            paused_domains=len(reports.paused_domains(session, now)),
            suppressed=mail_overview.count_suppressed(session),
            bounces=mail_overview.bounces_since(session, now - BOUNCE_WINDOW),
        )


def dashboard() -> Dashboard:
    """Everything on the dashboard."""
    figures, source_states, paused_domains = service_figures(), source_statuses(), paused_domains_admin.paused_domains()
    with engine.reading() as session:
        runs = mail_overview.runs(session, before_id=None, limit=MAX_RUNS)
        return Dashboard(
            counts=figures,
            runs=runs,
            deliveries_by_run=mail_overview.deliveries_of_runs(session, [stored_id(run) for run in runs]),
            sources=mail_overview.newest_batches(session),
            source_statuses=source_states,
            bounces=mail_overview.bounces_since(session, clock.now() - BOUNCE_WINDOW),
            suppressed=mail_overview.count_suppressed(session),
            paused_domains=paused_domains,
            run_of_held=mail_overview.run_of_held(session),
        )


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
