"""Administration of subscribers: search, one subscriber's history, and what an administrator may do for them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from digest import clock
from digest.errors import BadInput, NotFound, Refused
from digest.i18n import localize
from digest.models import Subscriber
from digest.models.subscriber import ACTIVE, PENDING, UNSUBSCRIBED
from digest.queues import Enqueue
from digest.services.admin import admin_pages, subscriber_actions, subscriber_admin
from digest.services.admin.subscriber_history import SubscriberHistory, subscriber_history
from digest.services.subscriptions import erasure, send_schedule
from digest.web.http.admin_session import Administrator
from digest.web.http.dependencies import PageServices, Queue, Services
from digest.web.pages.admin_layout import (
    admin_page,
    admin_router,
    form_number,
    form_text,
    redirect_after,
    require_choice,
)
from digest.web.ui import forms, template_rendering
from digest.web.ui.admin_view import (
    PAGE_ROWS,
    AdminForm,
    AdminSection,
    Cell,
    Choice,
    InputField,
    TableRow,
    query_path,
    split_page,
    utc,
)
from digest.web.ui.forms import Form

router = admin_router()

LONGEST_PAUSE = 366  # days
State = Annotated[str, Query(max_length=10)]
Text = Annotated[str, Query(max_length=254)]


@router.get("/subscribers")
def subscribers(
    _administrator: Administrator, q: Text = "", state: State = "", before: Annotated[int, Query(ge=0, lt=2**31)] = 0
) -> HTMLResponse:
    """The subscribers, newest first, filtered by state and address."""
    require_choice(state, (ACTIVE, PENDING, UNSUBSCRIBED))
    page = admin_pages.subscribers_page(state=state, text=q.strip(), before_id=before or None, limit=PAGE_ROWS + 1)
    page_rows, next_link = split_page(
        page, lambda row: query_path("/admin/subscribers", q=q, state=state, before=row.id)
    )
    names = {
        "": localize("all"),
        ACTIVE: localize("active"),
        PENDING: localize("not confirmed"),
        UNSUBSCRIBED: localize("left"),
    }
    section = AdminSection(
        filters=[
            Choice(text, query_path("/admin/subscribers", q=q, state=name), name == state)
            for name, text in names.items()
        ],
        search=InputField("q", localize("Address contains"), value=q, choices=[Choice("state", state)]),
        columns=[localize("Address"), localize("State"), localize("Since (UTC)"), localize("Next mail (UTC)")],
        rows=[
            TableRow(
                [
                    Cell(row.address, f"/admin/subscribers/{row.id}"),
                    Cell(names.get(row.state, row.state)),
                    Cell(utc(row.confirmed_at or row.created_at)),
                    Cell(utc(row.next_due_at)),
                ]
            )
            for row in page_rows
        ],
        next_link=next_link,
    )
    return admin_page("/subscribers", localize("Subscribers"), [section])


@router.get("/subscribers/{subscriber_id}")
def subscriber_page(subscriber_id: int, _administrator: Administrator) -> HTMLResponse:
    """A subscriber's history."""
    return _subscriber_page(subscriber_id)


@router.get("/subscribers/{subscriber_id}/erase")
def confirm_erasing(subscriber_id: int, _administrator: Administrator) -> HTMLResponse:
    """Ask before erasing, because it is for good."""
    address = subscriber_history(subscriber_id).subscriber.address
    lines = [localize("All data about %(address)s is deleted. This can’t be undone.", address=address)]
    form = AdminForm(f"/admin/subscribers/{subscriber_id}", "erase", localize("Erase"), lines=lines, is_quiet=False)
    return admin_page("/subscribers", localize("Erase %(address)s?", address=address), [AdminSection(forms=[form])])


@router.post("/subscribers/{subscriber_id}")
def act_on_subscriber(
    subscriber_id: int, form: Form, services: Services, queue: Queue, administrator: Administrator
) -> Response:
    """Do what the pressed button says."""
    subscriber = subscriber_history(subscriber_id).subscriber
    action = form_text(form, "action")
    if action == "erase":
        erasure.erase(subscriber_id, by_administrator=True, administrator=administrator)
        return redirect_after("/admin/subscribers", localize("All data about this subscriber is deleted."))
    try:
        if action == "resend":
            message = _resend(subscriber, form, services, queue, administrator)
        else:
            message = _perform(subscriber, action, form, administrator)
    except (BadInput, NotFound, Refused) as error:
        return _subscriber_page(subscriber_id, error=error, submitted=form)
    return redirect_after(f"/admin/subscribers/{subscriber_id}", message)


def _resend(subscriber: Subscriber, form: FormData, services: PageServices, queue: Enqueue, administrator: str) -> str:
    text = form_text(form, "day")
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(localize("day: use a date such as 2025-11-21"), field="day") from error
    number = services.resend(subscriber.address, day=day, actor=administrator, enqueue=queue)
    return localize("Queued resend #%(n)s to %(address)s.", address=subscriber.address, n=number)


def _perform(subscriber: Subscriber, action: str, form: FormData, administrator: str) -> str:
    """Returns the message of the page. Raises BadInput, NotFound, Refused."""
    subscriber_id = subscriber.id or 0
    match action:
        case "pause":
            days = form_number(form, "days", largest=LONGEST_PAUSE)
            subscriber_actions.pause_subscriber(subscriber_id, days, actor=administrator)
            return localize("The mail is paused.")
        case "resume":
            subscriber_actions.pause_subscriber(subscriber_id, 0, actor=administrator)
            return localize("The pause is over.")
        case "unsubscribe":
            subscriber_actions.unsubscribe_subscriber(subscriber_id, actor=administrator)
            return localize("All mail to this subscriber is stopped.")
        case "suppress":
            reason = form_text(form, "reason") or localize("by hand")
            subscriber_admin.suppress_address(subscriber.address, reason=reason, actor=administrator)
            return localize("This address is not mailed any more.")
        case "release":
            subscriber_admin.unsuppress_address(subscriber.address, actor=administrator)
            return localize("This address may be mailed again.")
        case _:
            raise BadInput(
                localize("action: use resend, pause, resume, unsubscribe, suppress, release or erase"), field="action"
            )


def _subscriber_page(
    subscriber_id: int,
    *,
    error: BadInput | NotFound | Refused | None = None,
    submitted: FormData | None = None,
) -> HTMLResponse:
    history = subscriber_history(subscriber_id)
    sections = [
        AdminSection(lines=[_status(history), *map(forms.capitalized, history.reasons)], forms=_actions(history)),
        AdminSection(
            heading=localize("Topics"),
            lines=["; ".join(history.topics) or localize("None: the trending papers are sent.")],
        ),
        AdminSection(
            heading=localize("What happened"),
            columns=[localize("When (UTC)"), localize("What")],
            rows=[
                TableRow([Cell(utc(event.at)), Cell(event.text, f"/admin/runs/{event.run_id}" if event.run_id else "")])
                for event in history.events
            ],
        ),
        AdminSection(
            lines=[localize("Erasing deletes all data about this subscriber.")],
            heading=localize("Erase"),
            figures=[(localize("All data"), localize("Erase for good"), f"/admin/subscribers/{subscriber_id}/erase")],
        ),
    ]
    return admin_page("/subscribers", history.subscriber.address, sections, error=error, submitted=submitted)


def _status(history: SubscriberHistory) -> str:
    subscriber = history.subscriber
    if history.suppression is not None:
        return localize(
            "Not mailed since %(time)s UTC: %(reason)s.",
            time=utc(history.suppression.at),
            reason=history.suppression.reason,
        )
    if subscriber.state == UNSUBSCRIBED:
        return localize("Left on %(time)s UTC.", time=utc(subscriber.left_at))
    if subscriber.state != ACTIVE:
        return localize("Signed up on %(time)s UTC and not confirmed yet.", time=utc(subscriber.created_at))
    return localize(
        "Subscribed since %(time)s UTC, %(cadence)s.",
        time=utc(subscriber.confirmed_at),
        cadence=template_rendering.cadence_text(subscriber),
    )


def _actions(history: SubscriberHistory) -> list[AdminForm]:
    """The actions that are possible now."""
    page, subscriber = f"/admin/subscribers/{history.subscriber.id}", history.subscriber
    actions = []
    if subscriber.state == ACTIVE and history.suppression is None:
        days = [Choice(template_rendering.long_date(day), day.isoformat()) for day, _ in history.editions]
        if days:
            choice = InputField("day", localize("Edition"), kind="select", choices=days)
            actions.append(AdminForm(page, "resend", localize("Send this edition again"), [choice], is_quiet=False))
        if send_schedule.is_paused(subscriber, clock.now()):
            actions.append(AdminForm(page, "resume", localize("End the pause")))
        else:
            length = InputField("days", localize("Days without mail"), kind="number", value="7", is_required=True)
            actions.append(AdminForm(page, "pause", localize("Pause"), [length]))
    if subscriber.state == ACTIVE:
        actions.append(AdminForm(page, "unsubscribe", localize("Unsubscribe")))
    if history.suppression is None:
        actions.append(
            AdminForm(
                page,
                "suppress",
                localize("Suppress"),
                [InputField("reason", localize("Why this address must not be mailed"))],
            )
        )
    else:
        actions.append(AdminForm(page, "release", localize("Release the address")))
    return actions
