"""Health: alive, ready to serve, and metrics for Prometheus.

Anybody may ask whether the service is alive and ready. Metrics and reasons need a bearer token: a counter that moves by
one when somebody signs up with an address would reveal whether that address is subscribed.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from digest import settings
from digest.i18n import localize
from digest.services.admin import dashboard
from digest.services.ingestion import source_status
from digest.services.security import api_tokens
from digest.signing import healthcheck_token
from digest.web.http.dependencies import Queue

router = APIRouter(include_in_schema=False)

Authorization = Annotated[str, Header()]

NO_STORE_HEADERS = {"Cache-Control": "no-store"}


def _may_see_details(authorization: str, *, check_api_tokens: bool = True) -> bool:
    """True for DIGEST_METRICS_TOKEN, the health check's own token, and an API token with the scope metrics:read."""
    scheme, _, sent_token = authorization.partition(" ")
    sent_token = sent_token.strip()
    if scheme.lower() != "bearer" or not sent_token:
        return False
    config = settings.get()
    accepted = [healthcheck_token(key) for key in config.secret_key] + [config.metrics_token] * bool(
        config.metrics_token
    )
    if any(hmac.compare_digest(sent_token.encode(), token.encode()) for token in accepted):
        return True
    token = api_tokens.check_token(sent_token) if check_api_tokens else None
    return token is not None and token.allows("metrics:read")


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """The process answers. It needs no thread, so it answers even if all threads are busy."""
    return PlainTextResponse("ok\n", headers=NO_STORE_HEADERS)


@router.get("/readyz")
def readyz(request: Request, queue: Queue, authorization: Authorization = "") -> JSONResponse:
    """200 if the database answers and a worker makes progress, else 503. The details need a token."""
    database_error = _database_error()
    problems = {
        "database": database_error,
        "worker": "" if queue.alive() else "no worker answers; start `digest worker`",
    }
    ready = not any(problems.values())
    body: dict[str, object] = {"ready": ready}
    if _may_see_details(authorization, check_api_tokens=not database_error):
        body |= {name: problem or "ok" for name, problem in problems.items()}
        body["preview"] = request.app.state.warm_up.state
        # sources do not decide readiness: sign-ups work while a source is down
        body["sources"] = (
            {} if database_error else {status.source: status.state for status in source_status.source_statuses()}
        )
    return JSONResponse(body, status_code=200 if ready else 503, headers=NO_STORE_HEADERS)


@router.get("/metrics")
def metrics(authorization: Authorization = "") -> Response:
    """Current counts, for requests with a token."""
    if not _may_see_details(authorization):
        message = localize(
            "this needs DIGEST_METRICS_TOKEN, or an API token with the scope metrics:read, as bearer token"
        )
        raise HTTPException(401, detail=message, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Metrics(dashboard.service_figures(), source_status.source_statuses()))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers=NO_STORE_HEADERS)


def _database_error() -> str:
    try:
        dashboard.service_figures()
    except SQLAlchemyError as error:
        return type(error).__name__  # its text could hold the database's address
    return ""


class _Metrics(Collector):
    """The metrics of one scrape. Their names are stable."""

    def __init__(self, counts: dashboard.ServiceFigures, sources: Sequence[source_status.SourceStatus]) -> None:
        self.counts, self.sources = counts, sources

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield gauges with the counts of the database."""
        deliveries = GaugeMetricFamily("digest_deliveries", "E-mails by state", labels=["state"])
        for state, count in sorted(self.counts.deliveries.items()):
            deliveries.add_metric([state], count)
        subscribers = GaugeMetricFamily("digest_subscribers", "Subscribers by state", labels=["state"])
        for state, count in sorted(self.counts.subscribers.items()):
            subscribers.add_metric([state], count)
        yield deliveries
        yield subscribers
        sources = GaugeMetricFamily("digest_source", "1 for the state that a source is in", labels=["source", "state"])
        last_requests = GaugeMetricFamily(
            "digest_source_asked_seconds", "Time of the last request to a source", labels=["source"]
        )
        for status in self.sources:
            sources.add_metric([status.source, status.state], 1)
            if status.attempted_at is not None:
                last_requests.add_metric([status.source], status.attempted_at.timestamp())
        yield sources
        yield last_requests
        bounces = GaugeMetricFamily("digest_bounces", "Bounces of the last 30 days by kind", labels=["kind"])
        for kind, count in sorted(self.counts.bounces.items()):
            bounces.add_metric([kind], count)
        yield bounces
        for name, (description, value) in self._scalar_metrics().items():
            yield GaugeMetricFamily(f"digest_{name}", description, value=value)

    def _scalar_metrics(self) -> dict[str, tuple[str, float]]:
        counts = self.counts
        return {
            "papers": ("Papers stored", counts.papers),
            "oldest_due_seconds": ("Seconds since the oldest due e-mail became due", counts.oldest_due),
            "queue_age_seconds": ("Seconds since the oldest waiting e-mail was queued", counts.queue_age),
            "deliveries_overdue": ("E-mails due more than 30 minutes ago", counts.overdue),
            "deliveries_held": ("E-mails that may have arrived and wait for a decision", counts.held),
            "domains_paused": ("Receiving domains that are paused after a policy refusal", counts.paused_domains),
            "addresses_suppressed": ("Addresses that must not be mailed", counts.suppressed),
        }
