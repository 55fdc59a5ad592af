"""Confirm or refuse a sign-up by a mailed link. GET shows buttons; POST acts.

Links that are out of date or were used: `services/subscriptions/sign_up_confirmation.py`.
"""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from digest import clock
from digest.compose.email import wording
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.services.editions import welcome
from digest.services.security import signed_links
from digest.services.subscriptions import sign_up_confirmation
from digest.services.subscriptions.sign_up_confirmation import Confirmation
from digest.signing import CONFIRM, NOT_ME
from digest.web.http.action_results import ActionResult, redirect_to_result
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import Queue
from digest.web.ui import template_rendering
from digest.web.ui.forms import Form, Pressed

router = APIRouter(include_in_schema=False)

REFUSE_ACTION = "not-me"  # the value of the button that refuses
_STARTED, _UNCHANGED, _ADDED, _REFUSED = "started", "unchanged", "added", "refused"  # what a button did


@router.get("/confirm/{token}")
def show(token: str, result: ActionResult = "") -> HTMLResponse:
    """Show the subscription with a button to confirm it, and one for people who did not sign up.

    After a button was pressed: what it did.
    """
    subscriber_id, request_id = signed_links.read_token(CONFIRM, token, count=2)
    if result == _REFUSED:
        return _refusal_page()
    confirmation = sign_up_confirmation.confirmation_of(subscriber_id, request_id)
    return _page(_as_confirmed(confirmation, result) if result else confirmation)


@router.post("/confirm/{token}")
def submit(token: str, request: Request, form: Form, client: Client, queue: Queue, pressed: Pressed) -> Response:
    """Start the subscription, or suppress the address."""
    if not pressed:
        return show(token)
    subscriber_id, request_id = signed_links.read_token(CONFIRM, token, count=2)
    if form.get("action") == REFUSE_ACTION:
        sign_up_confirmation.confirmation_of(subscriber_id, request_id)  # an expired link can't refuse either
        sign_up_confirmation.refuse_sign_up(subscriber_id, request_id)
        return redirect_to_result(request, _REFUSED)
    return redirect_to_result(
        request, _result_of(sign_up_confirmation.confirm(subscriber_id, request_id, client, queue))
    )


def _result_of(confirmation: Confirmation) -> str:
    """What a confirmation did. Of topics and authors that were added, their places among those requested."""
    addition = confirmation.addition
    if addition is None:
        return _UNCHANGED if confirmation.is_active else _STARTED
    topics = ",".join(str(n) for n, topic in enumerate(confirmation.profile.topics) if topic in addition.topics)
    authors = ",".join(str(n) for n, name in enumerate(confirmation.profile.authors) if name in addition.authors)
    return f"{_ADDED} {topics};{authors}"


def _as_confirmed(confirmation: Confirmation, result: str) -> Confirmation:
    """What the link confirmed, as it was shown by `sign_up_confirmation.confirm`."""
    if result == _STARTED:
        return replace(confirmation, is_active=False, is_added=True)
    if not result.startswith(_ADDED):
        return confirmation
    requested = confirmation.profile
    topics, authors = (
        [int(place) for place in places.split(",") if place]
        for places in result.removeprefix(_ADDED).strip().split(";")
    )
    addition = Profile(
        topics=tuple(requested.topics[place] for place in topics),
        authors=tuple(requested.authors[place] for place in authors),
    )
    return replace(confirmation, addition=addition, is_added=True)


@router.get("/not-me/{token}")
def show_refusal(token: str, result: ActionResult = "") -> HTMLResponse:
    """Show the address that would get no more mail, and a button; after it was pressed, what it did."""
    subscriber_id, request_id = signed_links.read_token(NOT_ME, token, count=2)
    if result:
        return _refusal_page()
    return template_rendering.page_response(
        "not_me.html", private=True, address=sign_up_confirmation.refusal_of(subscriber_id, request_id)
    )


@router.post("/not-me/{token}")
def refuse(token: str, request: Request, pressed: Pressed) -> Response:
    """Never send mail to this address again."""
    if not pressed:
        return show_refusal(token)
    subscriber_id, request_id = signed_links.read_token(NOT_ME, token, count=2)
    sign_up_confirmation.refuse_sign_up(subscriber_id, request_id)
    return redirect_to_result(request, _REFUSED)


def _refusal_page() -> HTMLResponse:
    return template_rendering.message_page(
        localize("You get no mail from here"),
        localize("Nothing is sent to you, whoever enters your address here."),
        localize("If you change your mind, the administrator can allow it again."),
        private=True,
    )


def _page(confirmation: Confirmation) -> HTMLResponse:
    is_done = (confirmation.is_active or confirmation.is_added) and (
        confirmation.addition is None or confirmation.is_added
    )
    return template_rendering.page_response(
        "confirm.html",
        private=True,
        subscriber=confirmation.schedule,
        profile=confirmation.profile,
        done=is_done,
        fresh=not confirmation.is_active,
        addition=confirmation.addition,
        days_shown=welcome.days_shown(clock.now().astimezone(clock.ARXIV_ZONE).date()),
        about_two_weeks=wording.ABOUT_TWO_WEEKS,
    )
