"""Confirming by a link. GET and HEAD only ask; POST acts."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest.services import confirm, links
from digest.signing import CONFIRM
from digest.web import pages
from digest.web.client import Client
from digest.web.forms import Pressed
from digest.web.given import Queue

router = APIRouter(include_in_schema=False)


@router.get("/confirm/{token}")
def ask(token: str) -> HTMLResponse:
    """What would start, and a button."""
    subscriber_id, profile_id = links.read(CONFIRM, token, values=2)
    return _page(confirm.look(subscriber_id, profile_id), fresh=False)


@router.post("/confirm/{token}")
def act(token: str, client: Client, queue: Queue, pressed: Pressed) -> HTMLResponse:
    """Start the mail."""
    if not pressed:
        return ask(token)
    subscriber_id, profile_id = links.read(CONFIRM, token, values=2)
    found = confirm.confirm(subscriber_id, profile_id, client, queue)
    return _page(confirm.Asked(found.subscriber, found.profile, done=True), fresh=not found.done)


def _page(asked: confirm.Asked, *, fresh: bool) -> HTMLResponse:
    return pages.page(
        "confirm.html",
        private=True,
        subscriber=asked.subscriber,
        profile=asked.profile,
        done=asked.done,
        fresh=fresh,
    )
