"""The administrator's pages: sign-in by a mailed link, the overview, and its actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Literal

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from digest import signing
from digest.errors import N_, BadInput, NotFound, Refused, TooMany
from digest.i18n import format_number, localize, localize_plural
from digest.models.delivery import SENT
from digest.models.subscriber import ACTIVE, PENDING, UNSUBSCRIBED
from digest.queues import Enqueue
from digest.services.admin import dashboard, dashboard_history, health_report, paused_domains_admin, service_state
from digest.services.runs import run_control
from digest.services.security import admin_login, signed_links
from digest.web.http import admin_session
from digest.web.http.admin_session import Administrator, MaybeAdministrator
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import Queue, Services
from digest.web.http.error_pages import status_of
from digest.web.pages.admin_layout import admin_router, form_text, redirect_after, render_for_administrator
from digest.web.ui import charts, forms, template_rendering
from digest.web.ui.admin_view import NAVIGATION
from digest.web.ui.forms import Form, Pressed

router = admin_router()

REFRESH_SECONDS = 30


@router.get("")
def home(request: Request, administrator: MaybeAdministrator, queue: Queue) -> HTMLResponse:
    """The overview; without a session the sign-in form."""
    return _overview(queue, refresh=REFRESH_SECONDS) if administrator else _sign_in_page(request)


@router.post("/sign-in")
def request_sign_in_link(form: Form, client: Client, queue: Queue) -> HTMLResponse:
    """Send the link. The response is the same for every address."""
    address = form_text(form, "address")
    try:
        admin_login.request_link(address, client, queue)
    except BadInput as error:
        return _sign_in_page(status=status_of(error), address=address, error=forms.field_error(error))
    except TooMany as error:
        problem = ("address", forms.as_sentence(error))
        page = _sign_in_page(status=status_of(error), address=address, error=problem)
        page.headers["Retry-After"] = str(error.seconds)
        return page
    return render_for_administrator("sign_in.html", link_requested=True)


async def ask_to_sign_in(request: Request, _error: Exception) -> Response:
    """The sign-in form in place of a page of the administration, for somebody who is not signed in."""
    if request.method == "GET":
        line = localize("Sign in to see this page; then open its address again.")
    else:
        line = localize("Nothing was changed, because you are not signed in any more. Sign in, then do it again.")
    return await run_in_threadpool(_sign_in_page, request, status=403, line=line)


def _sign_in_page(
    request: Request | None = None,
    *,
    status: int = 200,
    line: str = "",
    address: str = "",
    error: tuple[str, str] | None = None,
) -> HTMLResponse:
    """The sign-in form. With a `request` that came from a link elsewhere, such as in a web mail, a link to its page.

    Browsers don't send our cookie with such a request (SameSite=Strict), but with one from our own page.
    """
    is_from_elsewhere = request is not None and request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    page = request.url.path if request and is_from_elsewhere and request.method == "GET" else ""
    return render_for_administrator(
        "sign_in.html", status=status, link_requested=False, line=line, page=page, address=address, error=error
    )


@router.get("/enter/{token}")
def show_sign_in_button(token: str) -> HTMLResponse:
    """Show a button, because mail scanners follow links."""
    admin_login.require_valid_link(
        signed_links.read_timed_token(signing.SIGN_IN, token, lifetime=admin_login.MAX_LINK_LIFETIME)
    )
    return render_for_administrator("admin_sign_in_confirm.html")


@router.post("/enter/{token}")
def sign_in(token: str, pressed: Pressed) -> Response:
    """Use the link, which works once, and start a session."""
    if not pressed:
        return show_sign_in_button(token)
    login_id = signed_links.read_timed_token(signing.SIGN_IN, token, lifetime=admin_login.MAX_LINK_LIFETIME)
    response = RedirectResponse("/admin", status_code=303, headers=template_rendering.PRIVATE)
    admin_session.set_cookie(response, admin_login.begin_session(login_id))
    return response


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session, here and on the server."""
    admin_login.end_session(admin_session.cookie_of(request))
    response = RedirectResponse("/admin", status_code=303, headers=template_rendering.PRIVATE)
    admin_session.delete_cookie(response)
    return response


@router.post("/resend")
def resend(form: Form, services: Services, queue: Queue, administrator: Administrator) -> Response:
    """Send an edition again to one subscriber."""
    address, day = str(form.get("address", "")), str(form.get("day", ""))
    try:
        number = services.resend(address, day=_parse_day(day), actor=administrator, enqueue=queue)
    except (BadInput, NotFound, Refused) as error:
        return _overview(queue, resend_form=(address, day), resend_error=error)
    return redirect_after("/admin", localize("Queued resend #%(n)s to %(address)s.", address=address, n=number))


@router.post("/runs/{run_id}/{act}")
def pause_or_resume(
    run_id: int, act: Literal["pause", "resume"], queue: Queue, administrator: Administrator
) -> Response:
    """Pause or resume the unsent mails of a run."""
    try:
        if act == "pause":
            mails = run_control.pause(run_id, actor=administrator)
            singular, plural = (
                N_("Run %(run)s is paused with %(n)s unsent e-mail."),
                N_("Run %(run)s is paused with %(n)s unsent e-mails."),
            )
        else:
            mails = run_control.resume(run_id, actor=administrator, enqueue=queue)
            singular, plural = (
                N_("Run %(run)s is resumed with %(n)s unsent e-mail."),
                N_("Run %(run)s is resumed with %(n)s unsent e-mails."),
            )
    except (NotFound, Refused) as error:
        return _overview(queue, run_message=forms.as_sentence(error), status=409)
    return redirect_after("/admin", localize_plural(singular, plural, mails, run=run_id))


@router.post("/domains/release")
def release(form: Form, queue: Queue, administrator: Administrator) -> Response:
    """Send to a paused domain again."""
    domain = str(form.get("domain", ""))
    try:
        released_mails = paused_domains_admin.release(domain, actor=administrator, enqueue=queue)
    except (BadInput, NotFound) as error:
        return _overview(
            queue, domain_message=forms.as_sentence(error), status=422 if isinstance(error, BadInput) else 409
        )
    singular, plural = N_("%(n)s e-mail to %(domain)s is queued."), N_("%(n)s e-mails to %(domain)s are queued.")
    return redirect_after("/admin", localize_plural(singular, plural, released_mails, domain=domain))


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(localize("day: use a date such as 2025-11-21"), field="day") from error


def _overview(
    queue: Enqueue,
    *,
    resend_form: tuple[str, str] = ("", ""),
    resend_error: BadInput | NotFound | Refused | None = None,
    run_message: str = "",
    domain_message: str = "",
    status: int = 200,
    refresh: int = 0,
) -> HTMLResponse:
    """The page. `refresh`: seconds; 0 for an answer to a POST, whose address can't be opened again."""
    figures = dashboard.dashboard()
    error = (
        resend_error
        if resend_error is None or isinstance(resend_error, BadInput)
        else BadInput(str(resend_error), field="address")
    )
    return render_for_administrator(
        "admin.html",
        navigation=NAVIGATION,
        current="",
        status=422 if resend_error else status,
        glance=figures,
        state=service_state.service_state(figures, queue, health_report.findings_for_headline()),
        states=dashboard.STATES,
        run_states=_states_of_runs(figures),
        subscriber_texts=_subscriber_texts(figures),
        resend_form=resend_form,
        error=forms.field_error(error),
        run_message=run_message,
        domain_message=domain_message,
        days=(days := dashboard_history.days()),
        plots=_plots(days),
        refresh=refresh,
    )


def _states_of_runs(figures: dashboard.Dashboard) -> list[str]:
    """The states that the mails of the newest runs have, and `sent` in any case."""
    states_with_mails = {
        state for states in figures.deliveries_by_run.values() for state, number in states.items() if number
    }
    return [state for state in dashboard.STATES if state in states_with_mails | {SENT}]


def _subscriber_texts(figures: dashboard.Dashboard) -> list[tuple[str, str]]:
    """Each state that subscribers are in, and how many are in it."""
    counts = {state: figures.counts.subscribers.get(state, 0) for state in (ACTIVE, PENDING, UNSUBSCRIBED)}
    texts = [
        (ACTIVE, localize("%(n)s active", n=format_number(counts[ACTIVE]))),
        (PENDING, localize("%(n)s not confirmed", n=format_number(counts[PENDING]))),
        (UNSUBSCRIBED, localize("%(n)s left", n=format_number(counts[UNSUBSCRIBED]))),
    ]
    return [(state, text) for state, text in texts if counts[state] or state == ACTIVE]


def _plots(days: Sequence[dashboard_history.DayFigures]) -> list[tuple[str, str, Sequence[charts.Bar]]]:
    """Each plot: its name, a one-line summary, its bars."""
    joined, unsubscribed = sum(day.joined for day in days), sum(day.unsubscribed for day in days)
    sent, bounces = sum(day.sent for day in days), sum(day.bounces for day in days)
    plots: tuple[tuple[str, str, Callable[[dashboard_history.DayFigures], int]], ...] = (
        (
            localize("Subscribers"),
            localize(
                "%(joined)s joined, %(left)s left.", joined=format_number(joined), left=format_number(unsubscribed)
            ),
            lambda day: day.subscribers,
        ),
        (localize("E-mails sent"), localize("%(n)s in all.", n=format_number(sent)), lambda day: day.sent),
        (localize("Bounces"), localize("%(n)s in all.", n=format_number(bounces)), lambda day: day.bounces),
    )
    return [
        (name, summary, charts.bars([(day.date, value_of(day)) for day in days])) for name, summary, value_of in plots
    ]
