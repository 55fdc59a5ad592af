"""The preferences page: topics, schedule, pause, resubscribing; and requests for the mailed account links."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from digest.errors import BadInput, Refused
from digest.i18n import localize, localize_plural
from digest.models import Suppression
from digest.models.subscriber import ACTIVE, UNSUBSCRIBED
from digest.models.types import stored_id
from digest.services.catalog import paper_exports
from digest.services.security import signed_links
from digest.services.subscriptions import (
    account_requests,
    example_papers,
    suppressions,
    topic_feedback,
    update_preferences,
)
from digest.services.subscriptions.preference_fields import Preferences, version_of
from digest.signing import PREFERENCES
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import Queue
from digest.web.http.error_pages import status_of
from digest.web.pages.library_reports import LIBRARY_ERRORS, Importer, ImportLibrary, library_error
from digest.web.ui import forms, preference_form, template_rendering
from digest.web.ui.forms import Pressed, UploadForm
from digest.web.ui.library_form import LibraryView

_PAPER_ACTIONS = ("import-papers", "remove-papers", "undo-import")
PAPERS_LISTED = 20  # of the papers that a subscriber starts from

router = APIRouter(include_in_schema=False)


@router.get("/preferences/{token}")
def show(token: str) -> HTMLResponse:
    """The subscriber's preferences in a form."""
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    return current_page(subscriber_id)


@router.post("/preferences/{token}")
def submit(
    token: str, form: UploadForm, client: Client, queue: Queue, pressed: Pressed, import_library: ImportLibrary
) -> HTMLResponse:
    """Perform the action of the pressed button."""
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    if not pressed or form.get("action") in _PAPER_ACTIONS:
        return _change_papers(subscriber_id, form, import_library) if pressed else current_page(subscriber_id)
    match form.get("action", "save"):
        case "save":
            return _save(subscriber_id, form)
        case "return":
            update_preferences.resubscribe(subscriber_id, client)
            return current_page(subscriber_id, message=localize("You are subscribed again."))
        case "tune":
            return _save_topics(subscriber_id, form)
        case "unlike":
            topic_feedback.remove_like(subscriber_id, _parse_paper_id(form.get("paper")))
            return current_page(subscriber_id, message=localize("The like is removed."))
        case "export" | "erase" | "change-address" as action:
            account_requests.request_link(subscriber_id, action, queue)
            return current_page(subscriber_id, message=localize("Check your inbox: a link for this is on its way."))
        case _:
            names = (
                "save, tune, unlike, import-papers, remove-papers, undo-import, return, export, erase or change-address"
            )
            raise BadInput(f"action: use {names}", field="action")


def _change_papers(subscriber_id: int, form: FormData, import_library: Importer) -> HTMLResponse:
    """Import papers to start from, remove some, or undo the last import."""
    if form["action"] == "import-papers":
        try:
            added, library = import_library(subscriber_id, form)
        except LIBRARY_ERRORS as error:
            return current_page(subscriber_id, error=library_error(error), status=status_of(error))
        message = localize_plural("%(n)s paper added.", "%(n)s papers added.", added)
        return current_page(subscriber_id, message=message, library=library)
    if form["action"] == "undo-import":
        removed = example_papers.undo_import(subscriber_id, _parse_paper_id(form.get("import")) or 0)
    else:
        removed = example_papers.remove_example(subscriber_id, _parse_paper_id(form.get("paper")))
    return current_page(
        subscriber_id, message=localize_plural("%(n)s paper removed.", "%(n)s papers removed.", removed)
    )


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
        topic_feedback.save_topic_settings(subscriber_id, forms.topic_settings(form))
    except BadInput as error:
        return current_page(subscriber_id, error=error)
    return current_page(subscriber_id, message=localize("Saved."))


def _parse_paper_id(value: object) -> int | None:
    """The paper whose like is removed; None for all."""
    if value == "all":
        return None
    if not isinstance(value, str) or not value.isdecimal() or len(value) > 9:
        raise BadInput("paper: use one of those listed", field="paper")
    return int(value)


def current_page(
    subscriber_id: int,
    *,
    message: str = "",
    error: BadInput | None = None,
    status: int = 200,
    library: LibraryView | None = None,
) -> HTMLResponse:
    """The page with the stored preferences. `library`: one just imported; its topics are added below, not saved."""
    account = update_preferences.account_of(subscriber_id)
    texts = preference_form.texts_of(account.subscriber, account.profile)
    if library:
        texts["topics"] = "\n".join((*texts["topics"].splitlines(), *(topic.text for topic in library.topics)))
    return _page(account, texts, message=message, error=error, status=status, library=library)


def _page(
    account: update_preferences.SubscriberAccount,
    texts: dict[str, str],
    *,
    message: str = "",
    error: BadInput | None = None,
    version: str = "",
    status: int = 200,
    library: LibraryView | None = None,
) -> HTMLResponse:
    examples = example_papers.list_examples(account.subscriber.id or 0)
    return template_rendering.page_response(
        "preferences.html",
        status=422 if error and status == 200 else status,
        private=True,
        subscriber=account.subscriber,
        status_words=_status_text(account),
        stopped=_suppression_notice(account.suppression),
        liked_files=paper_exports.download_links(signed_links.preferences(stored_id(account.subscriber)) + "/liked"),
        search_page=urlsplit(signed_links.preferences(account.subscriber.id or 0)).path + "/search",
        feeds={form: signed_links.feed(account.subscriber.id or 0, form) for form in ("atom", "json")},
        fields=preference_form.grouped_fields(texts),
        version=version or version_of(account.subscriber, account.profile),
        error=forms.field_error(error),
        message=message,
        library=library,
        papers=examples[:PAPERS_LISTED],
        papers_total=len(examples),
        last_import=[example for example in examples if example.import_id == examples[0].import_id],
        overview=topic_feedback.feedback_overview(account.subscriber.id or 0),
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
