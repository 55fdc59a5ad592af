"""A reader's own page: topics and schedule, pause, coming back; and asking for what a mailed link then does."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from digest.errors import BadInput
from digest.i18n import say
from digest.models import Suppression
from digest.models.subscriber import ACTIVE, LEFT
from digest.services.security import signed_links
from digest.services.subscriptions import account_requests, suppressions, topic_settings, update_preferences
from digest.services.subscriptions.preference_fields import Preferences
from digest.signing import PREFERENCES
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import Queue
from digest.web.ui import forms, preference_form, template_rendering
from digest.web.ui.forms import Form, Pressed

router = APIRouter(include_in_schema=False)


@router.get("/preferences/{token}")
def show(token: str) -> HTMLResponse:
    """The reader's wishes, ready to change."""
    (subscriber_id,) = signed_links.read(PREFERENCES, token)
    return _now(subscriber_id)


@router.post("/preferences/{token}")
def act(token: str, form: Form, client: Client, queue: Queue, pressed: Pressed) -> HTMLResponse:
    """Save, come back, or have a link mailed, as the button says."""
    if not pressed:
        return show(token)
    (subscriber_id,) = signed_links.read(PREFERENCES, token)
    match form.get("action", "save"):
        case "save":
            return _save(subscriber_id, preference_form.submitted_texts(form))
        case "return":
            update_preferences.come_back(subscriber_id, client)
            return _now(subscriber_id, saved=say("The mail is on again."))
        case "tune":
            return _tune(subscriber_id, form)
        case "unlike":
            topic_settings.take_back(subscriber_id, _number(form.get("paper")))
            return _now(subscriber_id, saved=say("Taken back."))
        case "export" | "erase" | "change-address" as action:
            account_requests.ask(subscriber_id, action, queue)
            return _now(subscriber_id, saved=say("Look into your inbox: a link for this is on its way."))
        case _:
            names = "save, tune, unlike, return, export, erase or change-address"
            raise BadInput(f"action: use {names}", field="action")


def _save(subscriber_id: int, values: Mapping[str, str]) -> HTMLResponse:
    """Keep the change; on a mistake nothing is kept but what stands in the form."""
    try:
        reader = update_preferences.change(subscriber_id, preference_form.read(Preferences, values))
    except BadInput as error:
        return _page(update_preferences.look(subscriber_id), preference_form.filled(values), error=error)
    return _page(reader, preference_form.filled_from(reader.subscriber, reader.profile), saved=say("Saved."))


def _tune(subscriber_id: int, form: FormData) -> HTMLResponse:
    """Keep caps and mutes; on a mistake nothing is kept."""
    try:
        topic_settings.tune(subscriber_id, forms.topic_settings(form))
    except BadInput as error:
        return _now(subscriber_id, error=error)
    return _now(subscriber_id, saved=say("Saved."))


def _number(value: object) -> int | None:
    """The paper whose like is taken back; None for all."""
    if value == "all":
        return None
    if not isinstance(value, str) or not value.isdecimal() or len(value) > 9:
        raise BadInput("paper: use one of those listed", field="paper")
    return int(value)


def _now(subscriber_id: int, *, saved: str = "", error: BadInput | None = None) -> HTMLResponse:
    """The page with the wishes as they are kept."""
    reader = update_preferences.look(subscriber_id)
    return _page(reader, preference_form.filled_from(reader.subscriber, reader.profile), saved=saved, error=error)


def _page(
    reader: update_preferences.Reader, texts: dict[str, str], *, saved: str = "", error: BadInput | None = None
) -> HTMLResponse:
    return template_rendering.page(
        "preferences.html",
        status=422 if error else 200,
        private=True,
        subscriber=reader.subscriber,
        status_words=_status(reader),
        stopped=_stopped(reader.suppression),
        feeds={form: signed_links.feed(reader.subscriber.id or 0, form) for form in ("atom", "json")},
        fields=preference_form.grouped_fields(texts),
        error=forms.field_error(error),
        saved=saved,
        opinions=topic_settings.opinions(reader.subscriber.id or 0),
    )


def _stopped(suppression: Suppression | None) -> str:
    """Since when and why the address gets no mail, and what helps; '' where it may be mailed."""
    if suppression is None:
        return ""
    since = say(
        "No mail has gone to this address since %(day)s.", day=template_rendering.long_day(suppression.at.date())
    )
    return " ".join((since, suppressions.explanation(suppression), suppressions.cure(suppression)))


def _status(reader: update_preferences.Reader) -> str:
    """Where the subscription stands, in words."""
    subscriber = reader.subscriber
    if reader.suppression is not None:
        return say("mail is stopped")
    if subscriber.state == LEFT:
        return say("unsubscribed")
    if subscriber.state != ACTIVE:
        return say("not confirmed yet")
    if subscriber.paused_until:
        return say("paused until %(day)s", day=template_rendering.long_day(subscriber.paused_until))
    return template_rendering.cadence_words(subscriber)
