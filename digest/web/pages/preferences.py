"""The preferences page: topics, schedule, pause, resubscribing; and requests for the mailed account links."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from digest import clock
from digest.errors import BadInput, Refused, TooMany
from digest.i18n import localize, localize_plural
from digest.interfaces import Enqueue
from digest.models import Suppression
from digest.models.subscriber import ACTIVE, UNSUBSCRIBED
from digest.models.types import stored_id
from digest.services.security import rate_limits, signed_links
from digest.services.subscriptions import (
    account_requests,
    preference_fields,
    suppressions,
    topic_settings,
    unsubscribe,
    update_preferences,
)
from digest.services.subscriptions.edition_history import EditionHistory, edition_history
from digest.services.subscriptions.preference_fields import Group, Preferences, SignUpPreferences, version_of
from digest.signing import PREFERENCES
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import PageServices, Queue, Services
from digest.web.http.preview_limits import LimitedPreview, MakePreview
from digest.web.ui import charts, forms, preference_form, template_rendering
from digest.web.ui.forms import Form, Pressed, SubmittedRow

router = APIRouter(include_in_schema=False)

PREVIEW_DAYS, PREVIEW_PAPERS = 14, 50
_SECTIONS = {  # the action of each section's button: its groups
    "save-topics": (Group.TOPICS,),
    "save-schedule": (Group.SCHEDULE, Group.PAUSE),
    "save-details": (Group.DETAILS,),
}


@router.get("/preferences/{token}")
def show(token: str) -> HTMLResponse:
    """The subscriber's preferences in a form."""
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    return _current_page(subscriber_id)


@router.post("/preferences/{token}")
def submit(
    token: str,
    form: Form,
    client: Client,
    queue: Queue,
    services: Services,
    make_preview: LimitedPreview,
    pressed: Pressed,
) -> HTMLResponse:
    """Perform the action of the pressed button."""
    if not pressed:
        return show(token)
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    match str(form.get("action", "save")):
        case "save":
            return _save(subscriber_id, form)
        case action if action in _SECTIONS:
            return _save_section(subscriber_id, form, _SECTIONS[action])
        case "preview":
            return _preview(subscriber_id, form, make_preview)
        case action if action == "tune" or action.startswith("remove "):
            return _save_rows(subscriber_id, form, removed=action.partition(" ")[2])
        case action:
            return _page_after(subscriber_id, action, form, client, queue, services)


def _page_after(
    subscriber_id: int, action: str, form: FormData, client: str, queue: Enqueue, services: PageServices
) -> HTMLResponse:
    """Perform an action that needs no typed text, and show the page with the stored preferences."""
    match action:
        case "return":
            update_preferences.resubscribe(subscriber_id, client)
            message = localize("You are subscribed again.")
        case "leave":
            unsubscribe.unsubscribe(subscriber_id, client)
            message = localize("You are unsubscribed.")
        case "pause" | "resume":
            update_preferences.pause_for(subscriber_id, _parse_days(form.get("days")) if action == "pause" else 0)
            message = localize("The mail is paused.") if action == "pause" else localize("The pause is over.")
        case "send-now":
            message = _send_newest_edition(subscriber_id, queue, services)
        case "unlike":
            topic_settings.remove_like(subscriber_id, _parse_paper_id(form.get("paper")))
            message = localize("The like is removed.")
        case "export" | "erase" | "change-address":
            account_requests.request_link(subscriber_id, action, queue)
            message = localize("Check your inbox: a link for this is on its way.")
        case _:
            names = "save, tune, unlike, return, leave, pause, resume, send-now, export, erase or change-address"
            raise BadInput(f"action: use {names}", field="action")
    return _current_page(subscriber_id, message=message)


def _send_newest_edition(subscriber_id: int, queue: Enqueue, services: PageServices) -> str:
    """Mail the newest edition again. Returns the message of the page. Raises Refused, NotFound, TooMany."""
    address = update_preferences.account_of(subscriber_id).subscriber.address
    if not rate_limits.may_mail_below_ceiling(rate_limits.EDITION_MAILS, str(subscriber_id)):
        raise TooMany(localize("your newest edition is sent again three times a day at most"), seconds=3600)
    services.resend(address, day=None, actor=f"subscriber {subscriber_id}", enqueue=queue)
    return localize("Your newest edition is on its way.")


def _parse_days(value: object) -> int:
    if not isinstance(value, str) or not value.isdecimal() or not 1 <= len(value) <= 3 or not int(value):
        raise BadInput(localize("days: use a number from 1 to 366"), field="days")
    return int(value)


def _save(subscriber_id: int, form: FormData) -> HTMLResponse:
    """Save all preferences. After a mistake nothing is saved, and the form shows what was typed."""
    account = update_preferences.account_of(subscriber_id)
    texts = _submitted(account, form)
    version, shown = str(form.get("version", "")), str(form.get("shown", ""))
    try:
        preferences = preference_form.parse_preferences(Preferences, texts)
        account = update_preferences.save_preferences(subscriber_id, preferences, expected_version=version, shown=shown)
    except BadInput as error:
        texts = preference_form.with_defaults(texts)
        return _page(account, texts, _PageState(error=error, version=version, shown=shown))
    except Refused as error:
        return _conflict_page(subscriber_id, preference_form.with_defaults(texts), error)
    return _page(account, preference_form.texts_of(account.subscriber, account.profile), _saved())


def _save_section(subscriber_id: int, form: FormData, groups: Collection[Group]) -> HTMLResponse:
    """Save the preferences of some groups. What was typed elsewhere in the form stays there, unsaved."""
    account = update_preferences.account_of(subscriber_id)
    stored, typed = preference_form.texts_of(account.subscriber, account.profile), _submitted(account, form)
    shown = str(form.get("shown", ""))
    section = preference_form.section_texts(groups, typed, stored)
    try:
        account = update_preferences.save_section(subscriber_id, section, shown=shown)
    except BadInput as error:
        return _page(account, stored | typed | section, _PageState(error=error, shown=shown))
    except Refused as error:
        return _conflict_page(subscriber_id, stored | typed | section, error)
    saved = preference_form.texts_of(account.subscriber, account.profile)
    unsaved = {name: text for name, text in typed.items() if name not in section}
    merged = preference_fields.merge_versions(shown, account.subscriber, account.profile, saved_names=section)
    return _page(account, saved | unsaved, replace(_saved(), shown=merged))


def _submitted(account: update_preferences.SubscriberAccount, form: FormData) -> dict[str, str]:
    topics = {topic.text for topic in account.profile.topics}
    return preference_form.submitted_texts(form, split_commas=True, stored_topics=topics)


def _saved() -> _PageState:
    return _PageState(message=localize("Saved."))


def _conflict_page(
    subscriber_id: int, texts: dict[str, str], error: Refused, rows: Sequence[SubmittedRow] = ()
) -> HTMLResponse:
    """The form as typed, with what was changed elsewhere; saving again replaces it."""
    message = f"{forms.as_sentence(error)} {localize('To replace those changes with what you see below, save again.')}"
    account = update_preferences.account_of(subscriber_id)
    texts = preference_form.texts_of(account.subscriber, account.profile) | texts
    return _page(account, texts, _PageState(message=message, rows=rows, status=409))


def _save_rows(subscriber_id: int, form: FormData, *, removed: str = "") -> HTMLResponse:
    """Save edited topics, caps and mutes, and delete a topic. After a mistake nothing is saved."""
    rows = forms.topic_rows(form, removed=removed)
    shown = str(form.get("shown", ""))
    try:
        parsed = [row.parsed() for row in rows if not row.is_new]
        added = [row.typed for row in rows if row.is_new and row.typed.strip()]
        topic_settings.save_topic_rows(subscriber_id, parsed, added, shown=shown)
    except BadInput as error:
        if error.field == "topics":
            error = BadInput(error.translated(localize).removeprefix("topics: "), field="new_topic")
        return _current_page(subscriber_id, error=error, rows=rows)
    except Refused as error:
        return _conflict_page(subscriber_id, {}, error, rows)
    return _current_page(subscriber_id, message=localize("Saved."))


def _preview(subscriber_id: int, form: FormData, make_preview: MakePreview) -> HTMLResponse:
    """The form as typed, with what these preferences would have brought."""
    account = update_preferences.account_of(subscriber_id)
    texts = preference_form.texts_of(account.subscriber, account.profile) | _submitted(account, form)
    shown = str(form.get("shown", ""))
    try:
        preferences = preference_form.parse_preferences(SignUpPreferences, texts)
        preview = make_preview(preferences.profile(account.profile), days=PREVIEW_DAYS, limit=PREVIEW_PAPERS)
    except BadInput as error:
        return _page(account, texts, _PageState(error=error, shown=shown))
    view = charts.preview_view(preview, limit=preferences.limit, days=PREVIEW_DAYS)
    return _page(account, texts, _PageState(preview=view, shown=shown))


def _parse_paper_id(value: object) -> int | None:
    """The paper whose like is removed; None for all."""
    if value == "all":
        return None
    if not isinstance(value, str) or not value.isdecimal() or len(value) > 9:
        raise BadInput("paper: use one of those listed", field="paper")
    return int(value)


@dataclass(frozen=True, slots=True)
class _PageState:
    """What the page shows besides the stored account. `version`, `shown`: '' for the stored ones."""

    message: str = ""
    error: BadInput | None = None
    version: str = ""
    shown: str = ""
    rows: Sequence[SubmittedRow] = ()
    preview: charts.PreviewView | None = None
    status: int = 200


def _current_page(
    subscriber_id: int, *, message: str = "", error: BadInput | None = None, rows: Sequence[SubmittedRow] = ()
) -> HTMLResponse:
    """The page with the stored preferences."""
    account = update_preferences.account_of(subscriber_id)
    texts = preference_form.texts_of(account.subscriber, account.profile)
    return _page(account, texts, _PageState(message=message, error=error, rows=rows))


def _page(account: update_preferences.SubscriberAccount, texts: dict[str, str], state: _PageState) -> HTMLResponse:
    subscriber, subscriber_id = account.subscriber, stored_id(account.subscriber)
    history, overview = edition_history(subscriber_id), topic_settings.feedback_overview(subscriber_id)
    return template_rendering.page_response(
        "preferences.html",
        status=422 if state.error else state.status,
        private=True,
        subscriber=subscriber,
        status_words=_status_text(account),
        next_mail=_next_mail_text(account, history.expected_papers),
        stopped=_suppression_notice(account.suppression),
        feeds={form: signed_links.feed(subscriber_id, form) for form in ("atom", "json")},
        fields=preference_form.grouped_fields(texts),
        version=state.version or version_of(subscriber, account.profile),
        shown=state.shown or preference_fields.field_versions(subscriber, account.profile),
        error=forms.field_error(state.error),
        message=state.message,
        preview=state.preview,
        overview=overview,
        rows=_topic_rows(overview, history, state.rows),
        new_topic=next((row.typed for row in state.rows if row.is_new), ""),
        editions=[(item.day, item.papers, signed_links.edition(item.edition_id)) for item in history.editions],
    )


class _TopicRow(NamedTuple):
    """A topic as its row shows it: as typed, else as stored."""

    topic: topic_settings.TopicFeedback
    typed: str
    cap: str
    muted: bool
    papers: tuple[tuple[int, str], ...]


def _topic_rows(
    overview: topic_settings.FeedbackOverview, history: EditionHistory, submitted: Sequence[SubmittedRow]
) -> list[_TopicRow]:
    typed = {row.text: row for row in submitted if not row.is_new}
    rows = []
    for topic in overview.topics:
        row = typed.get(topic.text) or SubmittedRow(topic.text, topic.text, str(topic.cap or ""), topic.muted)
        papers = history.papers_by_topic.get(topic.text, ())
        rows.append(_TopicRow(topic, row.typed or topic.text, row.cap, row.muted, papers))
    return rows


def _next_mail_text(account: update_preferences.SubscriberAccount, papers: int | None) -> str:
    """When the next mail comes and about how many papers it has; '' where none comes."""
    subscriber = account.subscriber
    if account.suppression is not None or subscriber.state != ACTIVE or subscriber.next_due_at is None:
        return ""
    zone = clock.zone_info(subscriber.time_zone)
    due, today = subscriber.next_due_at.astimezone(zone), clock.now().astimezone(zone).date()
    names = {today: localize("today"), today + timedelta(days=1): localize("tomorrow")}
    day = names.get(due.date()) or template_rendering.long_date(due.date())
    if papers is None:
        return localize("Next mail %(day)s at %(time)s.", day=day, time=f"{due:%H:%M}")
    about = localize_plural("about %(n)s paper", "about %(n)s papers", papers)
    return localize("Next mail %(day)s at %(time)s, %(about)s.", day=day, time=f"{due:%H:%M}", about=about)


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
