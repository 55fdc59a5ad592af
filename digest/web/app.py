"""Build the web application from pages, API, health and middleware."""

from __future__ import annotations

from functools import cache, partial

from fastapi import FastAPI
from starlette.routing import BaseRoute

from digest import settings
from digest.errors import NotSignedIn
from digest.queues import Enqueue
from digest.web.api import bounce_webhook, health, metrics, openapi, v1
from digest.web.http import error_pages
from digest.web.http.dependencies import PageServices
from digest.web.http.middleware import BoundedBody, HeadAsGet, SafeHeaders, content_security_policy, csp_hash
from digest.web.http.preview_limits import MAX_FETCHES, PreviewQueue, PreviewSlots
from digest.web.http.request_rates import (
    API_PER_MINUTE,
    FEEDBACK_PER_MINUTE,
    REQUEST_MESSAGE,
    WEBHOOK_PER_MINUTE,
    RateLimitHeaders,
    RequestLimiter,
)
from digest.web.http.search_limits import search_limiter, search_slots, suggestion_limiter
from digest.web.http.warm_up import WarmUp
from digest.web.pages import (
    account,
    admin,
    admin_health,
    admin_mails,
    admin_runs,
    admin_sources,
    admin_subscribers,
    admin_system,
    authors,
    citations,
    confirm,
    editions,
    feedback,
    feeds,
    mail_link,
    papers,
    preferences,
    search,
    sign_up,
    start_from_papers,
    topic_suggestions,
    trending,
    unsubscribe,
)
from digest.web.ui import template_rendering
from digest.web.ui.page_cache import PageCache

PAGES = (  # routes are tried in this order
    unsubscribe,
    sign_up,
    start_from_papers,
    confirm,
    preferences,
    account,
    feedback,
    mail_link,
    feeds,
    citations,
    trending,
    papers,
    authors,
    editions,
    search,
    topic_suggestions,
    health,
    metrics,
    v1,
    bounce_webhook,
    admin,
    admin_health,
    admin_mails,
    admin_runs,
    admin_sources,
    admin_subscribers,
    admin_system,
)


def _warm_up(services: PageServices, pages: PageCache) -> None:
    """Prepare what the first visitors need."""
    best_papers = sign_up.warm_up(services, pages)
    trending.warm_up(services, pages)
    papers.warm_up(services, pages, best_papers)


def _refresh(services: PageServices, pages: PageCache) -> None:
    """Prepare again what has changed, while visitors get what was prepared before."""
    services.refresh_previews()
    pages.refresh()


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """The routes of all pages, in order.

    They are the same in every application of a process, and FastAPI takes about a millisecond to prepare each.
    """
    collector = FastAPI(openapi_url=None, generate_unique_id_function=lambda route: route.name)
    for module in PAGES:
        collector.include_router(module.router)
    return tuple(collector.routes)


def build(enqueue: Enqueue, services: PageServices) -> FastAPI:
    """The application over the configured database. `services` show papers and editions.

    `app.state.warm_up.start_and_refresh()` prepares the first views in the background, and again after changes.

    Raises Misconfigured where a secret is unset.
    """
    config = settings.get()
    config.require("secret_key")
    app = FastAPI(
        title=config.service_name,
        version="1",
        description=openapi.DESCRIPTION,
        routes=list(_routes()),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,  # its redirect is made from the Host header, which anybody can send
    )
    app.state.enqueue, app.state.services, app.state.preview_limiter = enqueue, services, RequestLimiter()
    app.state.preview_slots, app.state.preview_queue, app.state.pages = PreviewSlots(), PreviewQueue(), PageCache()
    app.state.search_limiter, app.state.suggestion_limiter = search_limiter(), suggestion_limiter()
    app.state.fetch_slots = PreviewSlots(MAX_FETCHES, max_waiting=0)
    app.state.search_slots = search_slots()
    app.state.warm_up = WarmUp(
        partial(_warm_up, services, app.state.pages), partial(_refresh, services, app.state.pages)
    )
    app.state.api_limiter = RequestLimiter(API_PER_MINUTE, message=REQUEST_MESSAGE)
    app.state.feedback_limiter = RequestLimiter(FEEDBACK_PER_MINUTE, message=REQUEST_MESSAGE)
    app.state.webhook_limiter = RequestLimiter(WEBHOOK_PER_MINUTE, message=REQUEST_MESSAGE)
    openapi.install_schema(app)
    error_pages.install_error_handlers(app)
    app.add_exception_handler(NotSignedIn, admin.ask_to_sign_in)
    content_policy = content_security_policy(
        styles=csp_hash(template_rendering.style_sheet()), scripts=" ".join(map(csp_hash, template_rendering.scripts()))
    )
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(HeadAsGet)
    app.add_middleware(BoundedBody, refuse=error_pages.refuse_body)
    app.add_middleware(SafeHeaders, content_policy=content_policy, https=config.base_url.startswith("https://"))
    return app
