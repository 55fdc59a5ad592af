"""Unsubscribe by a link. GET shows a button; POST acts, with any body, and may be repeated (RFC 8058)."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from digest.i18n import localize
from digest.models import Subscriber
from digest.models.subscriber import UNSUBSCRIBED
from digest.services.security import signed_links
from digest.services.subscriptions import consent_origin, unsubscribe
from digest.services.subscriptions.unsubscribe import Unsubscription
from digest.signing import UNSUBSCRIBE
from digest.web.http.client_ip import Client
from digest.web.ui import template_rendering
from digest.web.ui.forms import PostedBy, PostOrigin

router = APIRouter(include_in_schema=False)


@router.get("/unsubscribe/{token}")
def show(token: str) -> HTMLResponse:
    """Show the address, with a button to unsubscribe."""
    (subscriber_id,) = signed_links.read_token(UNSUBSCRIBE, token)
    return _page(token, unsubscribe.subscriber_of(subscriber_id))


@router.post("/unsubscribe/{token}")
async def submit(token: str, client: Client, posted_by: PostedBy) -> Response:
    """Unsubscribe. The link is enough proof; only our own form must be sent with its button.

    A mail provider's one-click POST (RFC 8058) is answered with a line of text, as nobody reads a page.
    """
    (subscriber_id,) = signed_links.read_token(UNSUBSCRIBE, token)
    if posted_by is PostOrigin.SCRIPT:
        return await run_in_threadpool(show, token)
    is_program = posted_by is PostOrigin.PROGRAM
    origin = consent_origin.ONE_CLICK if is_program else await run_in_threadpool(consent_origin.stored_form, client)
    await asyncio.wrap_future(unsubscribe.submit_unsubscription(Unsubscription(subscriber_id, origin)))
    if is_program:
        return PlainTextResponse(f"{localize('You are unsubscribed')}.\n", headers=template_rendering.PRIVATE)
    return await run_in_threadpool(show, token)


def _page(token: str, subscriber: Subscriber | None) -> HTMLResponse:
    return template_rendering.page_response(
        "unsubscribe.html",
        private=True,
        left=subscriber is None or subscriber.state == UNSUBSCRIBED,
        address=subscriber.address if subscriber else "",
        mail_link=f"/unsubscribe/{token}/link" if subscriber else "",
    )
