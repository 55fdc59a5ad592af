"""The pages behind the mailed links for export, erasure and change of address. GET shows a button; POST acts."""

from __future__ import annotations

import json
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from digest.errors import BadInput
from digest.i18n import localize
from digest.models.subscriber import CHANGE_ADDRESS, ERASE, EXPORT
from digest.services.security import signed_links
from digest.services.security.link_and_session_lifetimes import lifetime
from digest.services.subscriptions import account_requests
from digest.services.subscriptions.account_requests import AccountAction
from digest.web.http.action_results import ActionResult, redirect_to_result
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import Queue
from digest.web.http.error_pages import start_page_link
from digest.web.ui import forms, template_rendering
from digest.web.ui.forms import Form, Pressed

router = APIRouter(include_in_schema=False)

Action = Literal["export", "erase", "change-address", "new-address"]


@router.get("/account/{action}/{token}")
def show(action: Action, token: str, result: ActionResult = "") -> HTMLResponse:
    """Describe the action, with a button for it; after it was pressed, what was done."""
    if result:
        return _done_page(action)
    return _page(account_requests.account_action_of(action, _request_id(action, token)))


@router.post("/account/{action}/{token}")
def submit(
    action: Action, token: str, request: Request, form: Form, client: Client, queue: Queue, pressed: Pressed
) -> Response:
    """Perform the action. An export is a download, which stays on the page; the others redirect to what was done."""
    if not pressed:
        return show(action, token)
    request_id = _request_id(action, token)
    if action == EXPORT:
        return _export(request_id)
    if action == ERASE:
        account_requests.erase_subscriber(request_id)
    elif action == CHANGE_ADDRESS:
        typed = str(form.get("address", ""))
        try:
            account_requests.propose_address(request_id, typed, queue)
        except BadInput as error:
            if error.field != "address":
                raise
            return _page(account_requests.account_action_of(CHANGE_ADDRESS, request_id), typed=typed, error=error)
    else:
        account_requests.confirm_address(request_id, client, queue)
    return redirect_to_result(request, action)


def _request_id(action: str, token: str) -> int:
    return signed_links.read_timed_token(action, token, lifetime=lifetime(action))


def _export(request_id: int) -> Response:
    body = json.dumps(account_requests.export(request_id), ensure_ascii=False, indent=2)
    headers = template_rendering.PRIVATE | {"Content-Disposition": 'attachment; filename="papers-inbox.json"'}
    return Response(body, media_type="application/json", headers=headers)


def _done_page(action: Action) -> HTMLResponse:
    """What was done, in sentences."""
    sentences: tuple[str, ...]
    match action:
        case "erase":
            sentences = (
                localize("Your data is deleted"),
                localize("Your address, topics and editions are deleted. You get no more mail from here."),
            )
        case "change-address":
            sentences = (
                localize("Check the new inbox"),
                localize("If that address can be used, a confirmation e-mail is on its way there."),
                localize("Until it is confirmed, your mail goes to the old address."),
            )
        case _:
            sentences = (
                localize("Your mail comes here now"),
                localize("Your topics and times stay as they were. We sent a note to the old address."),
            )
    return template_rendering.message_page(*sentences, private=True, next_link=start_page_link())


def _page(account_action: AccountAction, *, typed: str = "", error: BadInput | None = None) -> HTMLResponse:
    return template_rendering.page_response(
        "account.html",
        status=422 if error else 200,
        private=True,
        action=account_action.action,
        address=account_action.address,
        typed=typed,
        error=forms.field_error(error),
    )
