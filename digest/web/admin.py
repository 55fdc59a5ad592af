"""The administrator's pages: sign-in by a link, the service at a glance, and sending an edition again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from digest import settings, signing
from digest.compose.language import count, decimal, say
from digest.errors import N_, BadInput, BadToken, NotFound, Refused
from digest.services import control, domain_pauses, history, links, overview, sign_in
from digest.web import forms, pages, plots
from digest.web.client import Client
from digest.web.forms import Form, Pressed
from digest.web.given import GivenHere, Queue

router = APIRouter(prefix="/admin", include_in_schema=False)

COOKIE = "digest_admin"


def _session(request: Request) -> int | None:
    """The sign-in behind the request's cookie; None without a good one."""
    try:
        return links.read_timed(signing.SESSION, request.cookies.get(COOKIE, ""), within=links.SESSION_FOR)
    except BadToken:
        return None


@router.get("")
def home(request: Request) -> HTMLResponse:
    """The service at a glance; without a session the way in."""
    return _overview() if _session(request) else pages.page("sign_in.html", private=True, asked=False)


@router.post("/sign-in")
def ask(form: Form, client: Client, queue: Queue) -> HTMLResponse:
    """Owe the link. The answer is the same for every address."""
    sign_in.ask(str(form.get("address", "")), client, queue)
    return pages.page("sign_in.html", private=True, asked=True)


@router.get("/enter/{token}")
def look(token: str) -> HTMLResponse:
    """A button, as scanners of mail follow links."""
    links.read_timed(signing.SIGN_IN, token, within=links.SIGN_IN_FOR)
    return pages.page("enter.html", private=True)


@router.post("/enter/{token}")
def enter(token: str, pressed: Pressed) -> Response:
    """Use the link up and begin a session."""
    if not pressed:
        return look(token)
    audit_id = links.read_timed(signing.SIGN_IN, token, within=links.SIGN_IN_FOR)
    sign_in.enter(audit_id)
    answer = RedirectResponse("/admin", status_code=303, headers=pages.PRIVATE)
    answer.set_cookie(
        COOKIE,
        links.signer().sign_timed(signing.SESSION, audit_id),
        max_age=int(links.SESSION_FOR.total_seconds()),
        path="/admin",
        secure=settings.get().base_url.startswith("https://"),
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/sign-out")
def leave() -> Response:
    """End the session in this browser."""
    answer = RedirectResponse("/admin", status_code=303, headers=pages.PRIVATE)
    answer.delete_cookie(COOKIE, path="/admin", httponly=True, samesite="strict")
    return answer


@router.post("/resend")
def resend(request: Request, form: Form, given: GivenHere, queue: Queue) -> HTMLResponse:
    """The same edition again to one reader."""
    session = _session(request)
    if session is None:
        raise Refused(say("sign in first"))
    address, day = str(form.get("address", "")), str(form.get("day", ""))
    try:
        number = given.resend(address, day=_day(day), actor=f"page, sign-in {session}", enqueue=queue)
    except (BadInput, NotFound, Refused) as error:
        return _overview(typed=(address, day), wrong=error)
    return _overview(done=say("Owed again to %(address)s, as its number %(n)s.", address=address, n=number))


@router.post("/runs/{run_id}/{act}")
def hold(request: Request, run_id: int, act: Literal["pause", "resume"], queue: Queue) -> HTMLResponse:
    """Hold what waits of a run, or let it go."""
    session = _session(request)
    if session is None:
        raise Refused(say("sign in first"))
    actor = f"page, sign-in {session}"
    try:
        if act == "pause":
            mails = control.pause(run_id, actor=actor)
            one, many = N_("Run %(run)s waits, with %(n)s e-mail."), N_("Run %(run)s waits, with %(n)s e-mails.")
        else:
            mails = control.resume(run_id, actor=actor, enqueue=queue)
            one, many = N_("Run %(run)s goes on, with %(n)s e-mail."), N_("Run %(run)s goes on, with %(n)s e-mails.")
    except (NotFound, Refused) as error:
        return _overview(held=forms.sentence(error), status=409)
    return _overview(held=count(one, many, mails, run=run_id))


@router.post("/domains/release")
def release(request: Request, form: Form, queue: Queue) -> HTMLResponse:
    """Send to a paused domain again."""
    session = _session(request)
    if session is None:
        raise Refused(say("sign in first"))
    domain = str(form.get("domain", ""))
    try:
        waiting = domain_pauses.release(domain, actor=f"page, sign-in {session}", enqueue=queue)
    except (BadInput, NotFound) as error:
        return _overview(released=forms.sentence(error), status=422 if isinstance(error, BadInput) else 409)
    one, many = N_("%(n)s e-mail to %(domain)s goes out."), N_("%(n)s e-mails to %(domain)s go out.")
    return _overview(released=count(one, many, waiting, domain=domain))


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
    return pages.page(
        "admin.html",
        status=422 if wrong else status,
        private=True,
        glance=overview.glance(),
        states=overview.STATES,
        typed=typed,
        wrong=forms.complaint(error),
        done=done,
        held=held,
        released=released,
        days=(days := history.days()),
        plots=_plots(days),
    )


def _plots(days: Sequence[history.Day]) -> list[tuple[str, str, Sequence[plots.Bar]]]:
    """Each plot: its name, what it says in a sentence, its bars."""
    joined, left = sum(day.joined for day in days), sum(day.left for day in days)
    sent, bounces = sum(day.sent for day in days), sum(day.bounces for day in days)
    told: tuple[tuple[str, str, Callable[[history.Day], int]], ...] = (
        (
            say("Readers"),
            say("%(joined)s joined, %(left)s left.", joined=decimal(joined), left=decimal(left)),
            lambda day: day.readers,
        ),
        (say("E-mails sent"), say("%(n)s in all.", n=decimal(sent)), lambda day: day.sent),
        (say("Bounces"), say("%(n)s in all.", n=decimal(bounces)), lambda day: day.bounces),
    )
    return [(name, said, plots.bars([(day.date, of(day)) for day in days])) for name, said, of in told]
