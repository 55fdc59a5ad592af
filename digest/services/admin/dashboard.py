"""The service at a glance, for the administrator's page, the API and the monitoring. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from digest import clock
from digest.db.bounces import reports
from digest.db.core import engine
from digest.db.outbox import deliveries as outbox
from digest.db.reporting import mail_overview
from digest.db.subscribers import subscribers
from digest.models import Batch, Run
from digest.models.delivery import CANCELLED, DEFERRED, QUEUED, REJECTED, SENDING, SENT, SUPPRESSED, UNCERTAIN
from digest.services.admin import domain_pauses
from digest.services.alarms.alarm_rules import OVERDUE
from digest.services.ingestion.source_status import Standing, standings

BOUNCES_OF = timedelta(days=30)
LISTED = 20
STATES = (QUEUED, SENDING, SENT, DEFERRED, REJECTED, UNCERTAIN, CANCELLED, SUPPRESSED)


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers for monitoring. `oldest_due`: seconds since the mail that waits longest became due.

    `queue_age`: seconds since the oldest waiting mail was owed, deferred ones included; `bounces`: of 30 days.
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


@dataclass(frozen=True, slots=True)
class Glance:
    """What the administrator sees first: newest runs with their mails by state, sources, bounces, paused domains."""

    counts: Counts
    runs: Sequence[Run]
    of_runs: Mapping[int, Mapping[str, int]]
    sources: Sequence[Batch]
    standings: Sequence[Standing]
    bounces: Mapping[str, int]
    suppressed: int
    paused_domains: Sequence[domain_pauses.PausedDomain]


def counts() -> Counts:
    """The numbers as of now."""
    now = clock.now()
    with engine.reading() as session:
        return Counts(
            deliveries=mail_overview.deliveries_by_state(session),
            subscribers=subscribers.counts(session),
            papers=mail_overview.papers(session),
            oldest_due=_age(mail_overview.oldest_due(session, now=now), now),
            queue_age=_age(mail_overview.oldest_waiting(session), now),
            overdue=outbox.overdue(session, now - OVERDUE),
            held=mail_overview.held(session),
            paused_domains=len(reports.pauses(session, now)),
            suppressed=mail_overview.suppressed(session),
            bounces=mail_overview.bounces_since(session, now - BOUNCES_OF),
        )


def glance() -> Glance:
    """Everything on the administrator's page."""
    numbers, stands, paused = counts(), standings(), domain_pauses.paused()
    with engine.reading() as session:
        runs = mail_overview.runs(session, before=None, limit=LISTED)
        return Glance(
            counts=numbers,
            runs=runs,
            of_runs=mail_overview.deliveries_of_runs(session, [run.id for run in runs if run.id]),
            sources=mail_overview.newest_batches(session),
            standings=stands,
            bounces=mail_overview.bounces_since(session, clock.now() - BOUNCES_OF),
            suppressed=mail_overview.suppressed(session),
            paused_domains=paused,
        )


def runs(*, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Runs as JSON values, the newest first, each with its mails by state."""
    with engine.reading() as session:
        found = mail_overview.runs(session, before=before, limit=limit)
        states = mail_overview.deliveries_of_runs(session, [run.id for run in found if run.id])
        return [run.model_dump(mode="json") | {"deliveries": states.get(run.id or 0, {})} for run in found]


def deliveries(
    *, state: str | None, kind: str | None, run_id: int | None, before: int | None, limit: int, addresses: bool
) -> list[dict[str, Any]]:
    """Mails as JSON values, the newest first. What a mail carries stays inside.

    Without `addresses` neither the address nor what could name it: the server's reply often repeats the address.
    """
    hidden = {"payload", "lease_id", "domain"} | (set() if addresses else {"address", "reply"})
    with engine.reading() as session:
        found = mail_overview.deliveries(session, state=state, kind=kind, run_id=run_id, before=before, limit=limit)
        return [row.model_dump(mode="json", exclude=hidden) for row in found]


def editions(*, run_id: int | None, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Editions as JSON values, the newest first, with the papers chosen."""
    with engine.reading() as session:
        found = mail_overview.editions(session, run_id=run_id, before=before, limit=limit)
        return [row.model_dump(mode="json", exclude={"previous_seen"}) for row in found]


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
