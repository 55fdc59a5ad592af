"""Leaving by a link. GET and HEAD only ask; POST acts, one click, whatever its body says, as often as it comes."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest.models import Subscriber
from digest.models.subscriber import LEFT
from digest.services import leave, links
from digest.signing import UNSUBSCRIBE
from digest.web import pages
from digest.web.client import Client
from digest.web.forms import Pressed

router = APIRouter(include_in_schema=False)


@router.get("/unsubscribe/{token}")
def ask(token: str) -> HTMLResponse:
    """Whose mail would stop, and a button."""
    (subscriber_id,) = links.read(UNSUBSCRIBE, token)
    return _page(token, leave.look(subscriber_id))


@router.post("/unsubscribe/{token}")
def act(token: str, client: Client, pressed: Pressed) -> HTMLResponse:
    """Stop the mail (RFC 8058). The link is proof enough; only our own page's form must come by its button."""
    if not pressed:
        return ask(token)
    (subscriber_id,) = links.read(UNSUBSCRIBE, token)
    leave.leave(subscriber_id, client)
    return _page(token, leave.look(subscriber_id))


def _page(token: str, reader: Subscriber | None) -> HTMLResponse:
    return pages.page(
        "unsubscribe.html",
        private=True,
        left=reader is None or reader.state == LEFT,
        address=reader.address if reader else "",
        mail_link=f"/unsubscribe/{token}/link" if reader else "",
    )
