"""The search pages: over all stored papers, and over what a subscriber was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date
from functools import partial
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from digest.errors import N_, BadInput, TooMany
from digest.i18n import localize
from digest.papers.subjects import is_known
from digest.services.search.facets import is_category
from digest.services.search.paper_search import RESULTS_PER_PAGE, search
from digest.services.search.search_schemas import NEWEST, SearchPage, SearchRequest
from digest.services.security import signed_links
from digest.services.subscriptions import update_preferences
from digest.services.subscriptions.preference_fields import Preferences
from digest.services.subscriptions.preference_versions import version_of
from digest.signing import PREFERENCES
from digest.web.http.error_pages import status_of
from digest.web.http.search_limits import SearchSlot
from digest.web.ui import forms, preference_form, search_view, template_rendering
from digest.web.ui.forms import Form, Pressed

router = APIRouter(include_in_schema=False)

MAX_TEXT = 2000  # characters of a query's address; the parser's own bound is smaller and has a message
PARAMETERS = ("q", "order", "category", "source", "code", "from", "to", "cursor")
SENT = "sent"


@router.get("/search")
def search_page(request: Request, slot: SearchSlot) -> HTMLResponse:
    """All stored papers; without a query the box alone."""
    params = _params(request)
    return _page(params, "/search", slot, search)


@router.get("/preferences/{token}/search")
def own_search_page(token: str, request: Request, slot: SearchSlot) -> HTMLResponse:
    """The same for a subscriber: all papers or those that they were sent; a query can be added to their topics."""
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    return _own_page(token, subscriber_id, _params(request), request.query_params.get("where") == SENT, slot)


@router.post("/preferences/{token}/search")
def add_topic(token: str, form: Form, pressed: Pressed, slot: SearchSlot) -> HTMLResponse:
    """Add the query to the subscriber's topics."""
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    topic, message, error = str(form.get("topic", "")).strip(), "", None
    if pressed:
        try:
            message = _add_topic(subscriber_id, topic)
        except BadInput as problem:
            error = problem
    return _own_page(token, subscriber_id, {"q": topic}, False, slot, message=message, error=error)


def _add_topic(subscriber_id: int, topic: str) -> str:
    """Save the topic behind the others. Raises BadInput where it cannot be one of them."""
    account = update_preferences.account_of(subscriber_id)
    if topic in {old.text for old in account.profile.topics}:
        return localize("This is one of your topics already.")
    texts = preference_form.texts_of(account.subscriber, account.profile)
    texts["topics"] = f"{texts['topics']}\n{topic}".strip()
    preferences = preference_form.parse_preferences(Preferences, texts, account.profile)
    version = version_of(account.subscriber, account.profile)
    update_preferences.save_preferences(subscriber_id, preferences, expected_version=version)
    return localize("‘%(topic)s’ is one of your topics now.", topic=topic)


def _own_page(
    token: str,
    subscriber_id: int,
    params: Mapping[str, str],
    only_sent: bool,
    slot: Callable[[], AbstractContextManager[None]],
    *,
    message: str = "",
    error: BadInput | None = None,
) -> HTMLResponse:
    path = f"/preferences/{token}/search"
    params = {**params, "where": SENT} if only_sent else params
    find = partial(search, sent_to=subscriber_id) if only_sent else search
    own = {"path": path, "preferences": f"/preferences/{token}", "sent": only_sent, "message": message}
    return _page(params, path, slot, find, own=own, error=error)


def _params(request: Request) -> dict[str, str]:
    return {name: value for name in PARAMETERS if (value := request.query_params.get(name, "").strip())}


def _page(
    params: Mapping[str, str],
    path: str,
    slot: Callable[[], AbstractContextManager[None]],
    find: Callable[[SearchRequest], SearchPage],
    *,
    own: Mapping[str, object] | None = None,
    error: BadInput | TooMany | None = None,
) -> HTMLResponse:
    """The page with its results, or with the error at its field."""
    view = None
    if params.get("q") and error is None:
        try:
            request = search_request(params)
            with slot():
                view = search_view.search_view(find(request), params, path)
        except (BadInput, TooMany) as problem:
            error = problem
    return _response(params, path, view, own, error)


def _response(
    params: Mapping[str, str],
    path: str,
    view: search_view.SearchView | None,
    own: Mapping[str, object] | None,
    error: BadInput | TooMany | None,
) -> HTMLResponse:
    response = template_rendering.page_response(
        "search.html",
        status=status_of(error) if error else 200,
        private=bool(own or error),
        path=path,
        params={name: params.get(name, "") for name in (*PARAMETERS, "where")},
        view=view,
        own=own,
        topic_link=_topic_link(params) if view else "",
        error=_field_error(error if isinstance(error, BadInput) else None),
        busy=forms.as_sentence(error) if isinstance(error, TooMany) else "",
    )
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.seconds)
    return response


def search_request(params: Mapping[str, str]) -> SearchRequest:
    """The request of an address's parameters. Raises BadInput, naming the parameter."""
    category = params.get("category", "")
    if category and not is_category(category):
        raise BadInput(N_("category: use one of arXiv's, such as cs.LG"), field="category")
    return SearchRequest(
        text=params.get("q", "")[:MAX_TEXT],
        order=params.get("order", NEWEST),
        category=category,
        source=params.get("source", "")[:60],
        code=params.get("code", "") == "1",
        first=_day("from", params.get("from", "")),
        last=_day("to", params.get("to", "")),
        cursor=params.get("cursor", ""),
        limit=RESULTS_PER_PAGE,
    )


def _day(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(N_("%(name)s: use a date such as 2025-11-21"), field=name, name=name) from error


def _field_error(error: BadInput | None) -> tuple[str, str] | None:
    """The field and the message. What is wrong with the query is shown at the box."""
    if error is None:
        return None
    field, text = forms.field_error(error) or ("", "")
    return (field if field in {"from", "to", "category", "order", "cursor"} else "q"), text


def _topic_link(params: Mapping[str, str]) -> str:
    """The sign-up form with this query as a topic."""
    category = params.get("category", "")
    values = {"topics": params["q"]} | ({"categories": category} if is_known(category) else {})
    return "/?" + urlencode(values, quote_via=quote)
