"""What the buttons of the preferences page do: topics, schedule, pause, resubscribing, requests for account links.

How the page is shown: `preferences_view.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from digest.errors import BadInput, Refused, TooMany
from digest.i18n import localize, localize_plural
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.security import rate_limits, signed_links
from digest.services.subscriptions import (
    account_requests,
    example_papers,
    preference_versions,
    topic_feedback,
    unsubscribe,
    update_preferences,
)
from digest.services.subscriptions.author_choice import follow_person
from digest.services.subscriptions.preference_controls import Group
from digest.services.subscriptions.preference_fields import Preferences, SignUpPreferences
from digest.signing import PREFERENCES
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import PageServices, Queue, Services
from digest.web.http.error_pages import status_of
from digest.web.http.preview_limits import LimitedPreview, MakePreview
from digest.web.pages.library_reports import LIBRARY_ERRORS, Importer, ImportLibrary, library_error
from digest.web.pages.preferences_view import PageState, account_page, current_page
from digest.web.ui import forms, preference_form, preference_notices, preview_rows, template_rendering
from digest.web.ui.forms import Pressed, SubmittedRow, UploadForm

router = APIRouter(include_in_schema=False)

PREVIEW_DAYS, PREVIEW_PAPERS = 14, 50
_SECTIONS = {  # the action of each section's button: its groups
    "save-topics": (Group.TOPICS,),
    "save-schedule": (Group.SCHEDULE, Group.PAUSE),
    "save-details": (Group.DETAILS,),
}
_PAPER_ACTIONS = ("import-papers", "remove-papers", "undo-import")
_OTHER_ACTIONS = ("return", "leave", "pause", "resume", "send-now", "export", "erase", "change-address")
_PERSON = "person "  # an action: before the author to follow


@dataclass(frozen=True, slots=True)
class _Actions:
    """What the buttons of the page need (FastAPI fills it in)."""

    queue: Queue
    services: Services
    make_preview: LimitedPreview
    import_library: ImportLibrary


@router.get("/preferences/{token}")
def show(token: str, done: Annotated[str, Query(max_length=40)] = "") -> HTMLResponse:
    """The subscriber's preferences in a form. `done`: what the action before did, as a code."""
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    return current_page(subscriber_id, message=preference_notices.notice_text(done))


@router.post("/preferences/{token}")
def submit(
    token: str, form: UploadForm, client: Client, actions: Annotated[_Actions, Depends()], pressed: Pressed
) -> Response:
    """Perform the action of the pressed button."""
    if not pressed:
        return show(token)
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    action = str(form.get("action", "save"))
    if action in _PAPER_ACTIONS:
        return _change_papers(subscriber_id, form, actions.import_library)
    if action.startswith(_PERSON):
        return _follow_person(subscriber_id, form, action.removeprefix(_PERSON))
    if action in {"save", "preview", "preview-rows", "tune", *_SECTIONS} or action.startswith("remove "):
        return _page_of_typed(subscriber_id, action, form, actions)
    return _page_after(subscriber_id, action, form, client, actions)


def _page_of_typed(subscriber_id: int, action: str, form: FormData, actions: _Actions) -> Response:
    """Save or preview what was typed, all or a part of it."""
    if action == "save":
        return _save(subscriber_id, form)
    if action == "preview":
        return _preview(subscriber_id, form, actions.make_preview)
    if action == "preview-rows":
        return _preview_rows(subscriber_id, form, actions.make_preview)
    if action in _SECTIONS:
        return _save_section(subscriber_id, form, _SECTIONS[action])
    return _save_rows(subscriber_id, form, removed_row=action.partition(" ")[2])


def _page_after(subscriber_id: int, action: str, form: FormData, client: str, actions: _Actions) -> Response:
    """Perform an action that needs no typed text, and show the page with the stored preferences."""
    match action:
        case "return":
            update_preferences.resubscribe(subscriber_id, client)
        case "leave":
            unsubscribe.unsubscribe(subscriber_id, client)
        case "pause" | "resume":
            update_preferences.pause_for(subscriber_id, _parse_days(form.get("days")) if action == "pause" else 0)
        case "send-now":
            _send_newest_edition(subscriber_id, actions.queue, actions.services)
        case "unlike":
            topic_feedback.remove_like(subscriber_id, _parse_paper_id(form.get("paper")))
        case "export" | "erase" | "change-address":
            account_requests.request_link(subscriber_id, action, actions.queue)
        case _:
            names = ", ".join(
                (
                    "save",
                    *_SECTIONS,
                    "preview",
                    "preview-rows",
                    "tune",
                    "unlike",
                    "person …",
                    *_PAPER_ACTIONS,
                    *_OTHER_ACTIONS,
                )
            )
            raise BadInput(f"action: use one of {names}", field="action")
    return _redirect_after(subscriber_id, action)


def _redirect_after(subscriber_id: int, code: str) -> RedirectResponse:
    """Show the stored preferences, with what an action did."""
    path = f"{urlsplit(signed_links.preferences(subscriber_id)).path}?done={code}"
    return RedirectResponse(path, status_code=303, headers=template_rendering.PRIVATE)


def _send_newest_edition(subscriber_id: int, queue: Enqueue, services: PageServices) -> None:
    """Mail the newest edition again. Raises Refused, NotFound, TooMany."""
    address = update_preferences.account_of(subscriber_id).subscriber.address
    if not rate_limits.may_mail_below_ceiling(rate_limits.EDITION_MAILS, str(subscriber_id)):
        raise TooMany(localize("your newest edition is sent again three times a day at most"), seconds=3600)
    services.resend(address, day=None, actor=f"subscriber {subscriber_id}", enqueue=queue)


def _parse_days(value: object) -> int:
    if not isinstance(value, str) or not value.isdecimal() or not 1 <= len(value) <= 3 or not int(value):
        raise BadInput(localize("days: use a number from 1 to 366"), field="days")
    return int(value)


def _change_papers(subscriber_id: int, form: FormData, import_library: Importer) -> Response:
    """Import papers to start from, remove some, or undo the last import."""
    if form["action"] == "import-papers":
        try:
            result, library = import_library(subscriber_id, form)
        except LIBRARY_ERRORS as error:
            return current_page(subscriber_id, error=library_error(error), status=status_of(error))
        message = localize_plural("%(n)s paper added.", "%(n)s papers added.", result.added)
        if result.over_limit:
            left_out = localize_plural(
                "%(n)s is left out: at most 5,000 are kept.",
                "%(n)s are left out: at most 5,000 are kept.",
                result.over_limit,
            )
            message = f"{message} {left_out}"
        return current_page(subscriber_id, message=message, library=library)
    if form["action"] == "undo-import":
        removed_count = example_papers.undo_import(subscriber_id, _parse_paper_id(form.get("import")) or 0)
    else:
        removed_count = example_papers.remove_example(subscriber_id, _parse_paper_id(form.get("paper")))
    code = preference_notices.numbered_code(preference_notices.PAPERS_REMOVED, removed_count)
    return _redirect_after(subscriber_id, code)


def _save(subscriber_id: int, form: FormData) -> Response:
    """Save all preferences. After a mistake nothing is saved, and the form shows what was typed."""
    account = update_preferences.account_of(subscriber_id)
    texts = _submitted(account, form)
    version, shown_versions = str(form.get("version", "")), str(form.get("shown", ""))
    try:
        preferences = preference_form.parse_preferences(Preferences, texts, account.profile)
        update_preferences.save_preferences(
            subscriber_id, preferences, expected_version=version, shown_versions=shown_versions
        )
    except BadInput as error:
        texts = preference_form.with_defaults(texts)
        return account_page(account, texts, PageState(error=error, version=version, shown_versions=shown_versions))
    except Refused as error:
        return _conflict_page(subscriber_id, preference_form.with_defaults(texts), error)
    return _redirect_after(subscriber_id, preference_notices.SAVED)


def _save_section(subscriber_id: int, form: FormData, groups: Collection[Group]) -> Response:
    """Save the preferences of some groups. What was typed elsewhere in the form stays there, unsaved."""
    account = update_preferences.account_of(subscriber_id)
    stored_texts, typed = preference_form.texts_of(account.subscriber, account.profile), _submitted(account, form)
    shown_versions = str(form.get("shown", ""))
    section = preference_form.section_texts(groups, typed, stored_texts)
    try:
        account = update_preferences.save_section(subscriber_id, section, shown_versions=shown_versions)
    except BadInput as error:
        return account_page(
            account, stored_texts | typed | section, PageState(error=error, shown_versions=shown_versions)
        )
    except Refused as error:
        return _conflict_page(subscriber_id, stored_texts | typed | section, error)
    saved = preference_form.texts_of(account.subscriber, account.profile)
    unsaved = {name: text for name, text in typed.items() if name not in section and text != saved.get(name)}
    if not unsaved:
        return _redirect_after(subscriber_id, preference_notices.SAVED)
    merged = preference_versions.merge_versions(
        shown_versions, account.subscriber, account.profile, saved_names=section
    )
    state = PageState(message=localize("Saved."), shown_versions=merged)
    return account_page(account, saved | unsaved, state)


def _follow_person(subscriber_id: int, form: FormData, reference: str) -> Response:
    """Follow one person of a name, or everybody with it, in place of what was followed by that name before."""
    try:
        follow_person(subscriber_id, reference, shown_versions=str(form.get("shown", "")))
    except BadInput as error:
        return current_page(subscriber_id, error=error)
    except Refused as error:
        return _conflict_page(subscriber_id, {}, error)
    return _redirect_after(subscriber_id, preference_notices.SAVED)


def _submitted(account: update_preferences.SubscriberAccount, form: FormData) -> dict[str, str]:
    topics = {topic.text for topic in account.profile.topics}
    return preference_form.submitted_texts(form, with_separators=True, stored_topics=topics)


def _conflict_page(
    subscriber_id: int, texts: dict[str, str], error: Refused, rows: Sequence[SubmittedRow] = ()
) -> HTMLResponse:
    """The form as typed, with what was changed elsewhere; saving again replaces it."""
    message = f"{forms.as_sentence(error)} {localize('To replace those changes with what you see below, save again.')}"
    account = update_preferences.account_of(subscriber_id)
    stored_topics = {topic.text for topic in account.profile.topics}
    edited = [
        row.typed
        for row in rows
        if not row.is_new and row.text not in stored_topics and row.typed not in {row.text, ""}
    ]
    if missing_texts := [text for text in edited if text not in stored_topics]:
        message += " " + localize(
            "You also typed, for topics that are no longer there: %(topics)s", topics="; ".join(missing_texts)
        )
    texts = preference_form.texts_of(account.subscriber, account.profile) | texts
    return account_page(account, texts, PageState(message=message, rows=rows, status=409))


def _save_rows(subscriber_id: int, form: FormData, *, removed_row: str = "") -> Response:
    """Save edited topics, caps and mutes, and delete a topic. After a mistake nothing is saved."""
    rows = forms.topic_rows(form, removed_row=removed_row)
    shown_versions = str(form.get("shown", ""))
    try:
        parsed = [row.parsed() for row in rows if not row.is_new]
        added_topics = _added_topics(rows)
        topic_feedback.save_topic_rows(subscriber_id, parsed, added_topics, shown_versions=shown_versions)
    except BadInput as error:
        return current_page(subscriber_id, error=_error_of_rows(error), rows=rows)
    except Refused as error:
        return _conflict_page(subscriber_id, {}, error, rows)
    return _redirect_after(subscriber_id, preference_notices.SAVED)


def _added_topics(rows: Sequence[SubmittedRow]) -> list[str]:
    """The new topics of the rows: commas separate several."""
    return list(preference_form.split_at_separators([row.typed for row in rows if row.is_new]))


def _error_of_rows(error: BadInput) -> BadInput:
    """An error in the topics stands under the rows when they were submitted, not under the list."""
    if error.field == "topics":
        return BadInput(error.translated(localize).removeprefix("topics: "), field="new_topic")
    return error


def _preview(subscriber_id: int, form: FormData, make_preview: MakePreview) -> HTMLResponse:
    """The form as typed, with what these preferences would have brought."""
    account = update_preferences.account_of(subscriber_id)
    texts = preference_form.texts_of(account.subscriber, account.profile) | _submitted(account, form)
    shown_versions = str(form.get("shown", ""))
    try:
        preview = _preview_of_texts(account, texts, make_preview)
    except BadInput as error:
        return account_page(account, texts, PageState(error=error, shown_versions=shown_versions))
    return account_page(account, texts, PageState(preview=preview, shown_versions=shown_versions))


def _preview_rows(subscriber_id: int, form: FormData, make_preview: MakePreview) -> HTMLResponse:
    """The rows as typed, with what their topics would have brought: none from muted ones."""
    account = update_preferences.account_of(subscriber_id)
    rows = forms.topic_rows(form)
    stored_texts = preference_form.texts_of(account.subscriber, account.profile)
    kept_topics = [row.typed for row in rows if not row.is_new and row.typed.strip() and not row.muted]
    topics = "\n".join((*kept_topics, *_added_topics(rows)))
    shown_versions = str(form.get("shown", ""))
    try:
        preview = _preview_of_texts(account, stored_texts | {"topics": topics}, make_preview)
    except BadInput as error:
        state = PageState(error=_error_of_rows(error), rows=rows, shown_versions=shown_versions)
        return account_page(account, stored_texts, state)
    return account_page(account, stored_texts, PageState(preview=preview, rows=rows, shown_versions=shown_versions))


def _preview_of_texts(
    account: update_preferences.SubscriberAccount, texts: dict[str, str], make_preview: MakePreview
) -> preview_rows.PreviewView:
    """What these preferences would have brought. Raises BadInput."""
    preferences = preference_form.parse_preferences(SignUpPreferences, texts, account.profile)
    owned = example_papers.stored_examples(stored_id(account.subscriber))
    preview = make_preview(preferences.profile(account.profile), days=PREVIEW_DAYS, limit=PREVIEW_PAPERS, owned=owned)
    return preview_rows.preview_view(preview, limit=preferences.limit, days=PREVIEW_DAYS)


def _parse_paper_id(value: object) -> int | None:
    """The paper whose like is removed; None for all."""
    if value == "all":
        return None
    if not isinstance(value, str) or not value.isdecimal() or len(value) > 9:
        raise BadInput("paper: use one of those listed", field="paper")
    return int(value)
