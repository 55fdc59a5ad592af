"""A reader's own page: topics and schedule, pause, coming back, taking the data along, being erased."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from digest.compose.language import say
from digest.errors import BadInput
from digest.models import Subscriber
from digest.models.subscriber import ACTIVE, LEFT
from digest.services import links, preferences, topics
from digest.services.erase import erase
from digest.services.wishes import Preferences
from digest.signing import PREFERENCES
from digest.web import forms, pages
from digest.web.client import Client
from digest.web.errors import home
from digest.web.forms import Form, Pressed

router = APIRouter(include_in_schema=False)


@router.get("/preferences/{token}")
def show(token: str) -> HTMLResponse:
    """The reader's wishes, ready to change."""
    (subscriber_id,) = links.read(PREFERENCES, token)
    return _now(token, subscriber_id)


@router.get("/preferences/{token}/export")
def export(token: str) -> Response:
    """All that is kept about the reader, as a file."""
    (subscriber_id,) = links.read(PREFERENCES, token)
    body = json.dumps(preferences.export(subscriber_id), ensure_ascii=False, indent=2)
    headers = pages.PRIVATE | {"Content-Disposition": 'attachment; filename="papers-inbox.json"'}
    return Response(body, media_type="application/json", headers=headers)


@router.post("/preferences/{token}")
def act(token: str, form: Form, client: Client, pressed: Pressed) -> HTMLResponse:
    """Save, come back or be erased, as the button says."""
    if not pressed:
        return show(token)
    (subscriber_id,) = links.read(PREFERENCES, token)
    match form.get("action", "save"):
        case "save":
            return _save(token, subscriber_id, forms.typed(form))
        case "return":
            preferences.come_back(subscriber_id, client)
            return _now(token, subscriber_id, saved=say("The mail is on again."))
        case "tune":
            return _tune(token, subscriber_id, form)
        case "unlike":
            topics.take_back(subscriber_id, _number(form.get("paper")))
            return _now(token, subscriber_id, saved=say("Taken back."))
        case "erase":
            return _erase(token, subscriber_id, sure=form.get("sure") == "yes")
        case _:
            raise BadInput("action: use save, tune, unlike, return or erase", field="action")


def _save(token: str, subscriber_id: int, values: Mapping[str, str]) -> HTMLResponse:
    """Keep the change; on a mistake nothing is kept but what stands in the form."""
    try:
        reader = preferences.change(subscriber_id, forms.read(Preferences, values))
    except BadInput as error:
        return _page(token, preferences.look(subscriber_id), forms.shown(values), error=error)
    return _page(token, reader, forms.of_reader(reader.subscriber, reader.profile), saved=say("Saved."))


def _tune(token: str, subscriber_id: int, form: FormData) -> HTMLResponse:
    """Keep caps and mutes; on a mistake nothing is kept."""
    try:
        topics.tune(subscriber_id, forms.tunings(form))
    except BadInput as error:
        return _now(token, subscriber_id, error=error)
    return _now(token, subscriber_id, saved=say("Saved."))


def _number(value: object) -> int | None:
    """The paper whose like is taken back; None for all."""
    if value == "all":
        return None
    if not isinstance(value, str) or not value.isdecimal() or len(value) > 9:
        raise BadInput("paper: use one of those listed", field="paper")
    return int(value)


def _erase(token: str, subscriber_id: int, *, sure: bool) -> HTMLResponse:
    if not sure:
        return _now(
            token, subscriber_id, error=BadInput(say("tick the box first: erasing can’t be undone"), field="sure")
        )
    erase(subscriber_id)
    return pages.message(
        say("You are erased"),
        say("Your address, topics and editions are gone. No more mail comes to you from here."),
        private=True,
        further=home(),
    )


def _now(token: str, subscriber_id: int, *, saved: str = "", error: BadInput | None = None) -> HTMLResponse:
    """The page with the wishes as they are kept."""
    reader = preferences.look(subscriber_id)
    return _page(token, reader, forms.of_reader(reader.subscriber, reader.profile), saved=saved, error=error)


def _page(
    token: str, reader: preferences.Reader, form: dict[str, str], *, saved: str = "", error: BadInput | None = None
) -> HTMLResponse:
    return pages.page(
        "preferences.html",
        status=422 if error else 200,
        private=True,
        subscriber=reader.subscriber,
        status_words=_status(reader.subscriber),
        here=f"/preferences/{token}",
        feeds={form: links.feed(reader.subscriber.id or 0, form) for form in ("atom", "json")},
        form=form,
        wrong=forms.complaint(error),
        saved=saved,
        opinions=topics.opinions(reader.subscriber.id or 0),
        categories=forms.offered(form["categories"]),
        zones=forms.zones(),
    )


def _status(subscriber: Subscriber) -> str:
    """Where the subscription stands, in words."""
    if subscriber.state == LEFT:
        return say("unsubscribed")
    if subscriber.state != ACTIVE:
        return say("not confirmed yet")
    if subscriber.paused_until:
        return say("paused until %(day)s", day=pages.long_day(subscriber.paused_until))
    return pages.cadence_words(subscriber)
