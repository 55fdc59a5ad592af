"""Confirm or refuse a sign-up by a mailed link. GET shows buttons; POST acts."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest.i18n import localize
from digest.services.security import signed_links
from digest.services.subscriptions import confirm
from digest.services.subscriptions.confirm import Confirmation
from digest.signing import CONFIRM, NOT_ME
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import Queue
from digest.web.ui import template_rendering
from digest.web.ui.forms import Form, Pressed

router = APIRouter(include_in_schema=False)

REFUSE_ACTION = "not-me"  # the value of the button that refuses


@router.get("/confirm/{token}")
def show(token: str) -> HTMLResponse:
    """Show the subscription with a button to confirm it, and one for people who did not sign up."""
    subscriber_id, request_id = signed_links.read_token(CONFIRM, token, count=2)
    return _page(confirm.confirmation_of(subscriber_id, request_id), done=False)


@router.post("/confirm/{token}")
def submit(token: str, form: Form, client: Client, queue: Queue, pressed: Pressed) -> HTMLResponse:
    """Start the subscription, or suppress the address."""
    if not pressed:
        return show(token)
    subscriber_id, request_id = signed_links.read_token(CONFIRM, token, count=2)
    if form.get("action") == REFUSE_ACTION:
        confirm.confirmation_of(subscriber_id, request_id)  # an expired link can't refuse either
        return _refuse_mail(subscriber_id, request_id)
    return _page(confirm.confirm(subscriber_id, request_id, client, queue), done=True)


@router.get("/not-me/{token}")
def show_refusal(token: str) -> HTMLResponse:
    """Show the address that would get no more mail, and a button."""
    subscriber_id, request_id = signed_links.read_token(NOT_ME, token, count=2)
    return template_rendering.page_response(
        "not_me.html", private=True, address=confirm.refusal_of(subscriber_id, request_id)
    )


@router.post("/not-me/{token}")
def refuse(token: str, pressed: Pressed) -> HTMLResponse:
    """Never send mail to this address again."""
    if not pressed:
        return show_refusal(token)
    subscriber_id, request_id = signed_links.read_token(NOT_ME, token, count=2)
    return _refuse_mail(subscriber_id, request_id)


def _refuse_mail(subscriber_id: int, request_id: int) -> HTMLResponse:
    confirm.refuse_sign_up(subscriber_id, request_id)
    return template_rendering.message_page(
        localize("You get no mail from here"),
        localize("Nothing is sent to you, whoever enters your address here."),
        localize("If you change your mind, the administrator can allow it again."),
        private=True,
    )


def _page(confirmation: Confirmation, *, done: bool) -> HTMLResponse:
    """`done`: the subscription was confirmed just now."""
    return template_rendering.page_response(
        "confirm.html",
        private=True,
        subscriber=confirmation.schedule,
        profile=confirmation.profile,
        done=(done or confirmation.is_active) and (confirmation.addition is None or confirmation.is_added),
        fresh=not confirmation.is_active,
        addition=confirmation.addition,
    )
