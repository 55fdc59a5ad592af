"""The administrator's pages: sign-in by a link, the service at a glance, and sending an edition again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from digest import signing
from digest.errors import N_, BadInput, NotFound, Refused
from digest.i18n import count, decimal, say
from digest.services.admin import daily_stats, dashboard, domain_pauses
from digest.services.runs import run_control
from digest.services.security import admin_login, signed_links
from digest.web.http import admin_session
from digest.web.http.admin_session import Administrator, MaybeAdministrator
from digest.web.http.client_ip import Client
from digest.web.http.dependencies import GivenHere, Queue
from digest.web.ui import charts, forms, template_rendering
from digest.web.ui.forms import Form, Pressed

router = APIRouter(prefix="/admin", include_in_schema=False, dependencies=[Depends(admin_session.require_same_origin)])


@router.get("")
def home(administrator: MaybeAdministrator) -> HTMLResponse:
    """The service at a glance; without a session the way in."""
    return _overview() if administrator else _page("sign_in.html", asked=False)


@router.post("/sign-in")
def ask(form: Form, client: Client, queue: Queue) -> HTMLResponse:
    """Owe the link. The answer is the same for every address."""
    admin_login.ask(str(form.get("address", "")), client, queue)
    return _page("sign_in.html", asked=True)


@router.get("/enter/{token}")
def look(token: str) -> HTMLResponse:
    """A button, as scanners of mail follow links."""
    admin_login.look(signed_links.read_timed(signing.SIGN_IN, token, within=admin_login.LONGEST_LINK_FOR))
    return _page("enter.html")


@router.post("/enter/{token}")
def enter(token: str, pressed: Pressed) -> Response:
    """Use the link up and begin a session."""
    if not pressed:
        return look(token)
    login_id = signed_links.read_timed(signing.SIGN_IN, token, within=admin_login.LONGEST_LINK_FOR)
    answer = RedirectResponse("/admin", status_code=303, headers=template_rendering.PRIVATE)
    admin_session.set_cookie(answer, admin_login.enter(login_id))
    return answer


@router.post("/sign-out")
def leave(request: Request) -> Response:
    """End the session, here and on the server."""
    admin_login.leave(admin_session.cookie_of(request))
    answer = RedirectResponse("/admin", status_code=303, headers=template_rendering.PRIVATE)
    admin_session.delete_cookie(answer)
    return answer


@router.post("/resend")
def resend(form: Form, given: GivenHere, queue: Queue, administrator: Administrator) -> HTMLResponse:
    """The same edition again to one reader."""
    address, day = str(form.get("address", "")), str(form.get("day", ""))
    try:
        number = given.resend(address, day=_day(day), actor=administrator, enqueue=queue)
    except (BadInput, NotFound, Refused) as error:
        return _overview(typed=(address, day), wrong=error)
    return _overview(done=say("Owed again to %(address)s, as its number %(n)s.", address=address, n=number))


@router.post("/runs/{run_id}/{act}")
def hold(run_id: int, act: Literal["pause", "resume"], queue: Queue, administrator: Administrator) -> HTMLResponse:
    """Hold what waits of a run, or let it go."""
    try:
        if act == "pause":
            mails = run_control.pause(run_id, actor=administrator)
            one, many = N_("Run %(run)s waits, with %(n)s e-mail."), N_("Run %(run)s waits, with %(n)s e-mails.")
        else:
            mails = run_control.resume(run_id, actor=administrator, enqueue=queue)
            one, many = N_("Run %(run)s goes on, with %(n)s e-mail."), N_("Run %(run)s goes on, with %(n)s e-mails.")
    except (NotFound, Refused) as error:
        return _overview(held=forms.sentence(error), status=409)
    return _overview(held=count(one, many, mails, run=run_id))


@router.post("/domains/release")
def release(form: Form, queue: Queue, administrator: Administrator) -> HTMLResponse:
    """Send to a paused domain again."""
    domain = str(form.get("domain", ""))
    try:
        waiting = domain_pauses.release(domain, actor=administrator, enqueue=queue)
    except (BadInput, NotFound) as error:
        return _overview(released=forms.sentence(error), status=422 if isinstance(error, BadInput) else 409)
    one, many = N_("%(n)s e-mail to %(domain)s goes out."), N_("%(n)s e-mails to %(domain)s go out.")
    return _overview(released=count(one, many, waiting, domain=domain))


def _page(name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for one administrator alone, whose forms say where they come from."""
    made = template_rendering.page(name, status=status, private=True, **values)
    made.headers.update(admin_session.REFERRER_POLICY)
    return made


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(say("day: use a date such as 2025-11-21"), field="day") from error


def _overview(
    *,
    typed: tuple[str, str] = ("", ""),
    wrong: BadInput | NotFound | Refused | None = None,
    done: str = "",
    held: str = "",
    released: str = "",
    status: int = 200,
) -> HTMLResponse:
    error = wrong if wrong is None or isinstance(wrong, BadInput) else BadInput(str(wrong), field="address")
    return _page(
        "admin.html",
        status=422 if wrong else status,
        glance=dashboard.glance(),
        states=dashboard.STATES,
        typed=typed,
        error=forms.field_error(error),
        done=done,
        held=held,
        released=released,
        days=(days := daily_stats.days()),
        plots=_plots(days),
    )


def _plots(days: Sequence[daily_stats.Day]) -> list[tuple[str, str, Sequence[charts.Bar]]]:
    """Each plot: its name, what it says in a sentence, its bars."""
    joined, left = sum(day.joined for day in days), sum(day.left for day in days)
    sent, bounces = sum(day.sent for day in days), sum(day.bounces for day in days)
    told: tuple[tuple[str, str, Callable[[daily_stats.Day], int]], ...] = (
        (
            say("Readers"),
            say("%(joined)s joined, %(left)s left.", joined=decimal(joined), left=decimal(left)),
            lambda day: day.readers,
        ),
        (say("E-mails sent"), say("%(n)s in all.", n=decimal(sent)), lambda day: day.sent),
        (say("Bounces"), say("%(n)s in all.", n=decimal(bounces)), lambda day: day.bounces),
    )
    return [(name, said, charts.bars([(day.date, of(day)) for day in days])) for name, said, of in told]
