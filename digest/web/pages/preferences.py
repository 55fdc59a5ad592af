"""The preferences page: topics, schedule, pause, resubscribing; and requests for the mailed account links."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from digest.errors import BadInput, Refused
from digest.i18n import localize
from digest.models import Suppression
from digest.models.subscriber import ACTIVE, UNSUBSCRIBED
from digest.models.types import stored_id
from digest.services.catalog import paper_exports
from digest.services.security import signed_links
from digest.services.subscriptions import account_requests, suppressions, topic_settings, update_preferences
from digest.services.subscriptions.preference_fields import Preferences, version_of
from digest.signing import PREFERENCES
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import Queue
from digest.web.ui import forms, preference_form, template_rendering
from digest.web.ui.forms import Form, Pressed

router = APIRouter(include_in_schema=False)


@router.get("/preferences/{token}")
def show(token: str) -> HTMLResponse:
    """The subscriber's preferences in a form."""
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    return _current_page(subscriber_id)


@router.post("/preferences/{token}")
def submit(token: str, form: Form, client: Client, queue: Queue, pressed: Pressed) -> HTMLResponse:
    """Perform the action of the pressed button."""
    if not pressed:
        return show(token)
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    match form.get("action", "save"):
        case "save":
            return _save(subscriber_id, form)
        case "return":
            update_preferences.resubscribe(subscriber_id, client)
            return _current_page(subscriber_id, message=localize("You are subscribed again."))
        case "tune":
            return _save_topics(subscriber_id, form)
        case "unlike":
            topic_settings.remove_like(subscriber_id, _parse_paper_id(form.get("paper")))
            return _current_page(subscriber_id, message=localize("The like is removed."))
        case "export" | "erase" | "change-address" as action:
            account_requests.request_link(subscriber_id, action, queue)
            return _current_page(subscriber_id, message=localize("Check your inbox: a link for this is on its way."))
        case _:
            names = "save, tune, unlike, return, export, erase or change-address"
            raise BadInput(f"action: use {names}", field="action")


def _save(subscriber_id: int, form: FormData) -> HTMLResponse:
    """Save the preferences. After a mistake nothing is saved, and the form shows what was typed."""
    account = update_preferences.account_of(subscriber_id)
    topics = {topic.text for topic in account.profile.topics}
    texts = preference_form.submitted_texts(form, split_commas=True, stored_topics=topics)
    version = str(form.get("version", ""))
    try:
        preferences = preference_form.parse_preferences(Preferences, texts)
        account = update_preferences.save_preferences(subscriber_id, preferences, expected_version=version)
    except BadInput as error:
        return _page(account, preference_form.with_defaults(texts), error=error, version=version)
    except Refused as error:
        conflict = (
            f"{forms.as_sentence(error)} {localize('To replace those changes with what you see below, save again.')}"
        )
        return _page(
            update_preferences.account_of(subscriber_id),
            preference_form.with_defaults(texts),
            message=conflict,
            status=409,
        )
    return _page(account, preference_form.texts_of(account.subscriber, account.profile), message=localize("Saved."))


def _save_topics(subscriber_id: int, form: FormData) -> HTMLResponse:
    """Save caps and mutes. After a mistake nothing is saved."""
    try:
        topic_settings.save_topic_settings(subscriber_id, forms.topic_settings(form))
    except BadInput as error:
        return _current_page(subscriber_id, error=error)
    return _current_page(subscriber_id, message=localize("Saved."))


def _parse_paper_id(value: object) -> int | None:
    """The paper whose like is removed; None for all."""
    if value == "all":
        return None
    if not isinstance(value, str) or not value.isdecimal() or len(value) > 9:
        raise BadInput("paper: use one of those listed", field="paper")
    return int(value)


def _current_page(subscriber_id: int, *, message: str = "", error: BadInput | None = None) -> HTMLResponse:
    """The page with the stored preferences."""
    account = update_preferences.account_of(subscriber_id)
    return _page(account, preference_form.texts_of(account.subscriber, account.profile), message=message, error=error)


def _page(
    account: update_preferences.SubscriberAccount,
    texts: dict[str, str],
    *,
    message: str = "",
    error: BadInput | None = None,
    version: str = "",
    status: int = 200,
) -> HTMLResponse:
    return template_rendering.page_response(
        "preferences.html",
        status=422 if error else status,
        private=True,
        subscriber=account.subscriber,
        status_words=_status_text(account),
        stopped=_suppression_notice(account.suppression),
        liked_files=paper_exports.download_links(signed_links.preferences(stored_id(account.subscriber)) + "/liked"),
        feeds={form: signed_links.feed(account.subscriber.id or 0, form) for form in ("atom", "json")},
        fields=preference_form.grouped_fields(texts),
        version=version or version_of(account.subscriber, account.profile),
        error=forms.field_error(error),
        message=message,
        overview=topic_settings.feedback_overview(account.subscriber.id or 0),
    )


def _suppression_notice(suppression: Suppression | None) -> str:
    """Since when and why the address gets no mail, and what to do; '' if it is not suppressed."""
    if suppression is None:
        return ""
    since = localize(
        "No mail has gone to this address since %(day)s.", day=template_rendering.long_date(suppression.at.date())
    )
    return " ".join((since, suppressions.explanation(suppression), suppressions.how_to_lift(suppression)))


def _status_text(account: update_preferences.SubscriberAccount) -> str:
    """The state of the subscription, in words."""
    subscriber = account.subscriber
    if account.suppression is not None:
        return localize("mail is stopped")
    if subscriber.state == UNSUBSCRIBED:
        return localize("unsubscribed")
    if subscriber.state != ACTIVE:
        return localize("not confirmed yet")
    if subscriber.paused_until:
        return localize("paused until %(day)s", day=template_rendering.long_date(subscriber.paused_until))
    return template_rendering.cadence_text(subscriber)
