"""Confirming a sign-up by a link, or refusing it. GET and HEAD only ask; POST acts."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest.i18n import say
from digest.services.security import signed_links
from digest.services.subscriptions import confirm
from digest.services.subscriptions.confirm import Confirmation
from digest.signing import CONFIRM, NOT_ME
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import Queue
from digest.web.ui import template_rendering
from digest.web.ui.forms import Form, Pressed

router = APIRouter(include_in_schema=False)

REFUSE = "not-me"  # the value of the button that refuses


@router.get("/confirm/{token}")
def ask(token: str) -> HTMLResponse:
    """What would start, and a button for it; another one for whoever did not ask."""
    subscriber_id, request_id = signed_links.read(CONFIRM, token, values=2)
    return _page(confirm.look(subscriber_id, request_id), done=False)


@router.post("/confirm/{token}")
def act(token: str, form: Form, client: Client, queue: Queue, pressed: Pressed) -> HTMLResponse:
    """Start the mail, or never send any again."""
    if not pressed:
        return ask(token)
    subscriber_id, request_id = signed_links.read(CONFIRM, token, values=2)
    if form.get("action") == REFUSE:
        confirm.look(subscriber_id, request_id)  # an expired link refuses nothing either
        return _refuse(subscriber_id, request_id)
    return _page(confirm.confirm(subscriber_id, request_id, client, queue), done=True)


@router.get("/not-me/{token}")
def ask_refusal(token: str) -> HTMLResponse:
    """Which address would get no mail any more, and a button."""
    subscriber_id, request_id = signed_links.read(NOT_ME, token, values=2)
    return template_rendering.page("not_me.html", private=True, address=confirm.look_refusal(subscriber_id, request_id))


@router.post("/not-me/{token}")
def refuse(token: str, pressed: Pressed) -> HTMLResponse:
    """Never send mail to this address again."""
    if not pressed:
        return ask_refusal(token)
    subscriber_id, request_id = signed_links.read(NOT_ME, token, values=2)
    return _refuse(subscriber_id, request_id)


def _refuse(subscriber_id: int, request_id: int) -> HTMLResponse:
    confirm.refuse(subscriber_id, request_id)
    return template_rendering.message(
        say("You get no mail from here"),
        say("Whoever types your address here from now on: nothing is sent to you."),
        say("If you change your mind one day, the administrator can allow it again."),
        private=True,
    )


def _page(found: Confirmation, *, done: bool) -> HTMLResponse:
    """`done`: it was confirmed just now, or before this time."""
    return template_rendering.page(
        "confirm.html",
        private=True,
        subscriber=found.schedule,
        profile=found.profile,
        done=done or found.done,
        fresh=not found.done,
    )
