"""Administration of the service: suppressions, tokens, settings in effect, the audit log, a test mail."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from digest import clock
from digest.errors import BadInput, NotFound
from digest.i18n import localize, localize_plural
from digest.models import Audit, Suppression
from digest.models.subscriber import COMPLAINT, KEEPS_FAILING, NO_SUCH_ADDRESS, NOT_ME
from digest.services.admin import admin_pages, configuration, subscriber_actions, subscriber_admin
from digest.services.security import api_tokens
from digest.web.http.admin_session import Administrator
from digest.web.http.dependencies import Queue
from digest.web.pages.admin_layout import admin_page, admin_router, form_text, redirect_after, require_choice
from digest.web.ui.admin_view import (
    PAGE_ROWS,
    AdminForm,
    AdminSection,
    Cell,
    Choice,
    InputField,
    RowAction,
    TableRow,
    query_path,
    split_page,
    utc,
)
from digest.web.ui.forms import Form

router = admin_router()

MAX_RELEASED = 1000
_OWN_REQUEST = frozenset({COMPLAINT, NOT_ME})  # suppressions that the owner of the address asked for
_REASONS = (NO_SUCH_ADDRESS, KEEPS_FAILING, COMPLAINT, NOT_ME)
Text = Annotated[str, Query(max_length=254)]
Position = Annotated[int, Query(ge=0, lt=2**31)]


@router.get("/suppressions")
def suppressions(_administrator: Administrator, q: Text = "", reason: Text = "", before: Position = 0) -> HTMLResponse:
    """The addresses that are not mailed, newest first."""
    require_choice(reason, _known_reasons())
    return _suppressions_page(text=q.strip(), reason=reason, before=before)


@router.post("/suppressions")
def act_on_suppressions(form: Form, administrator: Administrator) -> Response:
    """Release one address, or all that the filter shows; or suppress an address."""
    text, reason = form_text(form, "q"), form_text(form, "filter")
    try:
        message = _perform(form, text, reason, administrator)
    except (BadInput, NotFound) as error:
        return _suppressions_page(text=text, reason=reason, error=error, submitted=form)
    kept_reason = reason if reason in _known_reasons() else ""  # the last one with it may be released now
    return redirect_after(query_path("/admin/suppressions", q=text, reason=kept_reason), message)


def _known_reasons() -> Collection[str]:
    return (*_REASONS, *admin_pages.suppression_reasons())


def _perform(form: FormData, text: str, reason: str, administrator: str) -> str:
    """Do what a button says. Returns the message of the page. Raises BadInput, NotFound."""
    address = form_text(form, "address")
    match form_text(form, "action"):
        case "release":
            subscriber_admin.unsuppress_address(address, actor=administrator)
            return localize("%(address)s may be mailed again.", address=address)
        case "release-all":
            return _release_all(text, reason, administrator)
        case "suppress":
            cause = form_text(form, "reason") or localize("by hand")
            is_new = subscriber_admin.suppress_address(address, reason=cause, actor=administrator)
            if not is_new:
                return localize("%(address)s is suppressed already; the first reason stays.", address=address)
            return localize("%(address)s is not mailed any more.", address=address)
        case _:
            raise BadInput(localize("action: use release, release-all or suppress"), field="action")


def _release_all(text: str, reason: str, administrator: str) -> str:
    """Release what a filter shows. Raises BadInput without a filter, which would release everybody."""
    if not text and not reason:
        raise BadInput(localize("choose a reason or search first; not everybody is released at once"))
    if reason in _OWN_REQUEST:
        raise BadInput(localize("people who asked for no mail are released one by one only"))
    page = admin_pages.suppressions_page(text=text, reason=reason, before_id=None, limit=MAX_RELEASED)
    released = [row.address_key for row in page if row.reason not in _OWN_REQUEST]
    for address in released:
        subscriber_admin.unsuppress_address(address, actor=administrator)
    return localize_plural("%(n)s address is released.", "%(n)s addresses are released.", len(released))


def _suppressions_page(
    *,
    text: str,
    reason: str,
    before: int = 0,
    error: BadInput | NotFound | None = None,
    submitted: FormData | None = None,
) -> HTMLResponse:
    path = "/admin/suppressions"
    page = admin_pages.suppressions_page(text=text, reason=reason, before_id=before or None, limit=PAGE_ROWS + 1)
    page_rows, next_link = split_page(page, lambda row: query_path(path, q=text, reason=reason, before=row.id))
    reasons = dict.fromkeys(["", *_REASONS, reason])
    listing = AdminSection(
        filters=[
            Choice(localize(name) if name else localize("all"), query_path(path, q=text, reason=name), name == reason)
            for name in reasons
        ],
        search=InputField("q", localize("Address contains"), value=text, choices=[Choice("reason", reason)]),
        columns=[localize("Address"), localize("Reason"), localize("Source"), localize("Since (UTC)")],
        rows=[_suppression_row(row, path) for row in page_rows],
        next_link=next_link,
    )
    hidden = [InputField("q", "", kind="hidden", value=text), InputField("filter", "", kind="hidden", value=reason)]
    release = AdminForm(path, "release-all", localize("Release all of these"), hidden)
    typed = [
        InputField("address", localize("Address"), kind="email", is_required=True),
        InputField("reason", localize("Reason")),
    ]
    suppress = AdminForm(path, "suppress", localize("Suppress"), typed)
    sections = [
        listing,
        *([AdminSection(heading=localize("Release"), forms=[release])] if page_rows and (text or reason) else []),
    ]
    sections.append(AdminSection(heading=localize("Suppress an address"), forms=[suppress]))
    return admin_page("/suppressions", localize("Suppressions"), sections, error=error, submitted=submitted)


def _suppression_row(row: Suppression, path: str) -> TableRow:
    cells = [Cell(row.address_key, query_path("/admin/subscribers", q=row.address_key)), Cell(localize(row.reason))]
    label = localize("Release %(domain)s", domain=row.address_key)
    action = RowAction(localize("Release"), label, path, (("action", "release"), ("address", row.address_key)))
    return TableRow([*cells, Cell(row.source), Cell(utc(row.at))], [action])


@router.get("/tokens")
def tokens(_administrator: Administrator) -> HTMLResponse:
    """The tokens of the API."""
    return _tokens_page()


@router.post("/tokens")
def act_on_tokens(form: Form, administrator: Administrator) -> Response:
    """Create a token, which is shown once, or revoke one."""
    name = form_text(form, "name")
    try:
        if form_text(form, "action") == "revoke":
            api_tokens.revoke_token(name, actor=administrator)
            return redirect_after("/admin/tokens", localize("The token %(name)s is revoked.", name=name))
        expires_at = api_tokens.parse_expiry(form_text(form, "expires"), now=clock.now())
        scopes = [scope for scope in form.getlist("scope") if isinstance(scope, str)]
        token = api_tokens.create_token(name, scopes, expires_at=expires_at, actor=administrator)
    except (BadInput, NotFound) as error:
        return _tokens_page(error=error, submitted=form)
    return _tokens_page(message=localize("Copy this token now, it is not shown again: %(token)s", token=token))


def _tokens_page(
    *, message: str = "", error: BadInput | NotFound | None = None, submitted: FormData | None = None
) -> HTMLResponse:
    rows = []
    for token in api_tokens.list_tokens():
        name = str(token["name"])
        hidden = (("action", "revoke"), ("name", name))
        action = RowAction(localize("Revoke"), localize("Revoke %(name)s", name=name), "/admin/tokens", hidden)
        times = [Cell(str(token[key] or "")[:16]) for key in ("last_used_at", "expires_at")]
        cells = [Cell(name), Cell(str(token["scopes"])), Cell(str(token["state"])), *times]
        rows.append(TableRow(cells, [] if token["revoked_at"] else [action]))
    columns = [
        localize("Name"),
        localize("Scopes"),
        localize("State"),
        localize("Last used (UTC)"),
        localize("Expires (UTC)"),
    ]
    fields = [
        InputField("name", localize("Name"), is_required=True),
        InputField(
            "expires",
            localize("Expires"),
            value="90d",
            hint=localize("A number of days such as 90d, a date, or never."),
        ),
        InputField(
            "scope",
            localize("Scopes"),
            kind="check",
            choices=[Choice(f"{name}: {meaning}", name) for name, meaning in api_tokens.SCOPES.items()],
        ),
    ]
    form = AdminForm("/admin/tokens", "create", localize("Create the token"), fields)
    sections = [AdminSection(columns=columns, rows=rows), AdminSection(heading=localize("New token"), forms=[form])]
    return admin_page("/tokens", localize("Tokens"), sections, message=message, error=error, submitted=submitted)


@router.get("/settings")
def settings_in_effect(administrator: Administrator) -> HTMLResponse:
    """The settings in effect without secrets, what is wrong with them, and a test mail."""
    return _settings_page(administrator)


@router.post("/settings")
def send_test_mail(administrator: Administrator, queue: Queue) -> Response:
    """Send a test mail to the administrator who asks."""
    subscriber_actions.send_test_mail(administrator, actor=administrator, enqueue=queue)
    return redirect_after("/admin/settings", localize("A test mail to %(address)s is queued.", address=administrator))


def _settings_page(administrator: str) -> HTMLResponse:
    rows = [TableRow([Cell(row.setting), Cell(row.value), Cell(row.origin)]) for row in configuration.setting_rows()]
    columns = [localize("Setting"), localize("Value"), localize("From")]
    line = localize(
        "A test mail goes to %(address)s the way every mail goes, through the outbox.", address=administrator
    )
    form = AdminForm("/admin/settings", "test-mail", localize("Send a test mail"), lines=[line])
    problems = configuration.problems() or [localize("No setting is wrong or unknown.")]
    sections = [
        AdminSection(lines=problems, forms=[form]),
        AdminSection(heading=localize("In effect"), columns=columns, rows=rows),
    ]
    return admin_page("/settings", localize("Settings"), sections)


@router.get("/audit")
def audit_log(_administrator: Administrator, q: Text = "", before: Position = 0) -> HTMLResponse:
    """What administrators did, newest first."""
    page = admin_pages.audit_page(text=q.strip(), before_id=before or None, limit=PAGE_ROWS + 1)
    page_rows, next_link = split_page(page, lambda row: query_path("/admin/audit", q=q, before=row.id))
    section = AdminSection(
        search=InputField("q", localize("Name or action contains"), value=q),
        columns=[localize("When (UTC)"), localize("Who"), localize("What"), localize("About")],
        rows=[
            TableRow([Cell(utc(row.at)), Cell(row.actor), Cell(row.action), _subject_cell(row)]) for row in page_rows
        ],
        next_link=next_link,
    )
    return admin_page("/audit", localize("Audit log"), [section])


def _subject_cell(row: Audit) -> Cell:
    """The details of an action, with a link to its subscriber or run."""
    text = ", ".join(f"{name} {value}" for name, value in row.detail.items())
    if "subscriber" in row.detail:
        return Cell(text, f"/admin/subscribers/{row.detail['subscriber']}")
    return Cell(text, f"/admin/runs/{row.detail['run']}" if "run" in row.detail else "")
