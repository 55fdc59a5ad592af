"""Mail the preferences link to its owner, from pages that must not contain it. No response reveals the address."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest.i18n import localize
from digest.interfaces import Enqueue
from digest.services.security import rate_limits, signed_links
from digest.services.subscriptions import mail_link
from digest.signing import EDITION, FEED, UNSUBSCRIBE
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import Queue
from digest.web.http.error_pages import home
from digest.web.ui import template_rendering
from digest.web.ui.forms import Pressed

router = APIRouter(include_in_schema=False)


def _of_edition(token: str, queue: Enqueue) -> Callable[[], None]:
    (edition_id,) = signed_links.read_token(EDITION, token)
    return lambda: mail_link.mail_link_to_edition_owner(edition_id, queue)


def _of_feed_edition(token: str, queue: Enqueue) -> Callable[[], None]:
    subscriber_id, _ = signed_links.read_token(FEED, token, count=2)
    return lambda: mail_link.mail_link_to_subscriber(subscriber_id, queue)


def _of_feedback(token: str, queue: Enqueue) -> Callable[[], None]:
    edition_id, _, _ = signed_links.read_feedback(token)
    return lambda: mail_link.mail_link_to_edition_owner(edition_id, queue)


def _of_unsubscribe(token: str, queue: Enqueue) -> Callable[[], None]:
    (subscriber_id,) = signed_links.read_token(UNSUBSCRIBE, token)
    return lambda: mail_link.mail_link_to_subscriber(subscriber_id, queue)


def _serve(path: str, mailing: Callable[[str, Enqueue], Callable[[], None]]) -> None:
    """Register GET and POST of a page. `make_mailer` reads the token and returns the function that mails the link."""

    @router.get(path)
    def ask(token: str, queue: Queue) -> HTMLResponse:
        """Show a button."""
        mailing(token, queue)
        return template_rendering.page_response("mail_link.html", private=True)

    @router.post(path)
    def act(token: str, queue: Queue, client: Client, pressed: Pressed) -> HTMLResponse:
        """Mail the link. The response is the same for everybody."""
        if not pressed:
            return ask(token, queue)
        mail = mailing(token, queue)
        rate_limits.count_client(rate_limits.LINK_REQUESTS, client)
        mail()
        return template_rendering.message_page(
            localize("Check your inbox"),
            localize("If this is your subscription, the link to your preferences is on its way to your address."),
            localize("It is sent a few times a day at most."),
            private=True,
            further=home(),
        )


_serve("/editions/{token}/link", _of_edition)
_serve("/feeds/editions/{token}/link", _of_feed_edition)
_serve("/feedback/{token}/link", _of_feedback)
_serve("/unsubscribe/{token}/link", _of_unsubscribe)
