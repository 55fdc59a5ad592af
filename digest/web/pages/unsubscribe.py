"""Unsubscribe by a link. GET shows a button; POST acts, with any body, and may be repeated (RFC 8058)."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest.models import Subscriber
from digest.models.subscriber import UNSUBSCRIBED
from digest.services.security import signed_links
from digest.services.subscriptions import unsubscribe
from digest.signing import UNSUBSCRIBE
from digest.web.http.client_ip import Client
from digest.web.ui import template_rendering
from digest.web.ui.forms import Pressed

router = APIRouter(include_in_schema=False)


@router.get("/unsubscribe/{token}")
def show(token: str) -> HTMLResponse:
    """Show the address, with a button to unsubscribe."""
    (subscriber_id,) = signed_links.read_token(UNSUBSCRIBE, token)
    return _page(token, unsubscribe.subscriber_of(subscriber_id))


@router.post("/unsubscribe/{token}")
def submit(token: str, client: Client, pressed: Pressed) -> HTMLResponse:
    """Unsubscribe (RFC 8058). The link is enough proof; only our own form must be sent with its button."""
    if not pressed:
        return show(token)
    (subscriber_id,) = signed_links.read_token(UNSUBSCRIBE, token)
    unsubscribe.unsubscribe(subscriber_id, client)
    return _page(token, unsubscribe.subscriber_of(subscriber_id))


def _page(token: str, subscriber: Subscriber | None) -> HTMLResponse:
    return template_rendering.page_response(
        "unsubscribe.html",
        private=True,
        left=subscriber is None or subscriber.state == UNSUBSCRIBED,
        address=subscriber.address if subscriber else "",
        mail_link=f"/unsubscribe/{token}/link" if subscriber else "",
    )
