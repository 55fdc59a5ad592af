"""Mail the preferences link to its owner, from pages that must not contain it. No response reveals the address."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from digest.i18n import localize
from digest.queues import Enqueue
from digest.services.security import rate_limits, signed_links
from digest.services.subscriptions import mail_link
from digest.signing import EDITION, FEED, UNSUBSCRIBE
from digest.web.http.action_results import ActionResult, redirect_to_result
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import Queue
from digest.web.http.error_pages import start_page_link
from digest.web.ui import template_rendering
from digest.web.ui.forms import Pressed

router = APIRouter(include_in_schema=False)

_SENT = "sent"  # the result of the button


def _edition_mailer(token: str, queue: Enqueue) -> Callable[[], None]:
    (edition_id,) = signed_links.read_token(EDITION, token)
    return lambda: mail_link.mail_link_to_edition_owner(edition_id, queue)


def _feed_edition_mailer(token: str, queue: Enqueue) -> Callable[[], None]:
    subscriber_id, _ = signed_links.read_token(FEED, token, count=2)
    return lambda: mail_link.mail_link_to_subscriber(subscriber_id, queue)


def _feedback_mailer(token: str, queue: Enqueue) -> Callable[[], None]:
    edition_id, _, _ = signed_links.read_feedback(token)
    return lambda: mail_link.mail_link_to_edition_owner(edition_id, queue)


def _unsubscribe_mailer(token: str, queue: Enqueue) -> Callable[[], None]:
    (subscriber_id,) = signed_links.read_token(UNSUBSCRIBE, token)
    return lambda: mail_link.mail_link_to_subscriber(subscriber_id, queue)


def _register_pages(path: str, make_mailer: Callable[[str, Enqueue], Callable[[], None]]) -> None:
    """Register GET and POST of a page. `make_mailer` reads the token and returns the function that mails the link."""

    @router.get(path)
    def show(token: str, queue: Queue, result: ActionResult = "") -> HTMLResponse:
        """Show a button, or that it was pressed."""
        make_mailer(token, queue)
        return _sent_page() if result else template_rendering.page_response("mail_link.html", private=True)

    @router.post(path)
    def submit(token: str, request: Request, queue: Queue, client: Client, pressed: Pressed) -> Response:
        """Mail the link. The response is the same for everybody."""
        if not pressed:
            return show(token, queue)
        mail_preferences_link = make_mailer(token, queue)
        rate_limits.count_client(rate_limits.LINK_REQUESTS, client)
        mail_preferences_link()
        return redirect_to_result(request, _SENT)


def _sent_page() -> HTMLResponse:
    return template_rendering.message_page(
        localize("Check your inbox"),
        localize("If this is your subscription, the link to your preferences is on its way to your address."),
        localize("It is sent a few times a day at most."),
        private=True,
        next_link=start_page_link(),
    )


_register_pages("/editions/{token}/link", _edition_mailer)
_register_pages("/feeds/editions/{token}/link", _feed_edition_mailer)
_register_pages("/feedback/{token}/link", _feedback_mailer)
_register_pages("/unsubscribe/{token}/link", _unsubscribe_mailer)
