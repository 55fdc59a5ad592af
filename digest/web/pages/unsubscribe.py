"""Unsubscribe by a link. GET shows a button; POST acts, with any body, and may be repeated (RFC 8058)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from digest.i18n import localize
from digest.models import Subscriber
from digest.models.subscriber import UNSUBSCRIBED
from digest.services.security import signed_links
from digest.services.subscriptions import consent_origin, unsubscribe
from digest.services.subscriptions.unsubscribe import Unsubscription
from digest.signing import UNSUBSCRIBE
from digest.web.http.client_ip import client_of_request
from digest.web.ui import forms, template_rendering
from digest.web.ui.forms import PostOrigin

router = APIRouter(include_in_schema=False)


@router.get("/unsubscribe/{token}")
def show(token: str) -> HTMLResponse:
    """Show the address, with a button to unsubscribe."""
    (subscriber_id,) = signed_links.read_token(UNSUBSCRIBE, token)
    return _page(token, unsubscribe.subscriber_of(subscriber_id))


async def _submit(request: Request) -> Response:
    """Unsubscribe. The link is enough proof; only our own form must be sent with its button.

    A mail provider's one-click POST (RFC 8058) is answered with a line of text, as nobody reads a page. Many come at
    once after a run, so the route has no dependencies, whose resolution takes as long as all the rest. Our own form is
    answered with a redirect to the page, which shows the new state.
    """
    token = request.path_params["token"]
    (subscriber_id,) = signed_links.read_token(UNSUBSCRIBE, token)
    posted_by = await forms.post_origin(request)
    if posted_by is PostOrigin.PROGRAM:
        await unsubscribe.commit_unsubscription(Unsubscription(subscriber_id, consent_origin.ONE_CLICK))
        return PlainTextResponse(f"{localize('You are unsubscribed')}.\n", headers=template_rendering.PRIVATE)
    if posted_by is PostOrigin.BUTTON:
        client = await client_of_request(request)
        origin = await run_in_threadpool(consent_origin.stored_form, client)
        await unsubscribe.commit_unsubscription(Unsubscription(subscriber_id, origin))
        return RedirectResponse(request.url.path, status_code=303, headers=template_rendering.PRIVATE)
    return await run_in_threadpool(show, token)


router.add_route("/unsubscribe/{token}", _submit, methods=["POST"])


def _page(token: str, subscriber: Subscriber | None) -> HTMLResponse:
    return template_rendering.page_response(
        "unsubscribe.html",
        private=True,
        left=subscriber is None or subscriber.state == UNSUBSCRIBED,
        address=subscriber.address if subscriber else "",
        mail_link=f"/unsubscribe/{token}/link" if subscriber else "",
    )
