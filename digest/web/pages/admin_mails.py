"""Administration of mail: every mail by state, and the bounces that count, so that each figure leads to its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse

from digest.i18n import format_number, localize
from digest.models import Bounce, Delivery
from digest.models.delivery import UNCERTAIN
from digest.services.admin import admin_pages
from digest.services.admin.dashboard import STATES
from digest.services.admin.record_listings import MailFilter
from digest.web.http.admin_session import Administrator
from digest.web.pages.admin_layout import admin_page, admin_router, require_choice
from digest.web.ui.admin_view import (
    PAGE_ROWS,
    AdminSection,
    Cell,
    Choice,
    InputField,
    TableRow,
    query_path,
    split_page,
    utc,
)

router = admin_router()

MAILS, BOUNCES = "/admin/mails", "/admin/bounces"
Name = Annotated[str, Query(max_length=40)]
Text = Annotated[str, Query(max_length=254)]
Position = Annotated[int, Query(ge=0, lt=2**62)]


@router.get("/mails")
def mails(_administrator: Administrator, state: Name = "", q: Text = "", before: Position = 0) -> HTMLResponse:
    """All mails, newest first, of a run or not, filtered by state and address."""
    require_choice(state, STATES)
    text, counts = q.strip(), admin_pages.mail_counts()
    page = admin_pages.mails_page(
        MailFilter(state=state or None, text=text), before_id=before or None, limit=PAGE_ROWS + 1
    )
    page_rows, next_link = split_page(page, lambda row: query_path(MAILS, state=state, q=text, before=row.id))
    section = AdminSection(
        filters=_filters(MAILS, "state", state, {name: counts[name] for name in STATES if counts.get(name)}, text),
        search=InputField("q", localize("Address contains"), value=text, choices=[Choice("state", state)]),
        columns=[
            localize("Address"),
            localize("Kind"),
            localize("State"),
            localize("Last attempt (UTC)"),
            localize("Run"),
            localize("Last reply"),
        ],
        rows=[_mail_row(row) for row in page_rows],
        next_link=next_link,
    )
    return admin_page("/mails", localize("Mails"), [section])


def _mail_row(row: Delivery) -> TableRow:
    link = f"/admin/subscribers/{row.subscriber_id}" if row.subscriber_id else ""
    state = localize("uncertain, held") if row.state == UNCERTAIN and row.due_at is None else localize(row.state)
    run = Cell(str(row.run_id), f"/admin/runs/{row.run_id}") if row.run_id else Cell("")
    cells = [Cell(row.address or localize("erased"), link), Cell(localize(row.kind)), Cell(state)]
    return TableRow([*cells, Cell(utc(row.tried_at)), run, Cell(row.reply)])


@router.get("/bounces")
def bounces(_administrator: Administrator, kind: Name = "", q: Text = "", before: Position = 0) -> HTMLResponse:
    """The bounces of the window that the overview counts, newest first, filtered by kind and address."""
    counts = admin_pages.bounce_counts()
    require_choice(kind, (*admin_pages.BOUNCE_KINDS, *counts))
    text = q.strip()
    page = admin_pages.bounces_page(text=text, kind=kind or None, before_id=before or None, limit=PAGE_ROWS + 1)
    page_rows, next_link = split_page(page, lambda row: query_path(BOUNCES, kind=kind, q=text, before=row.id))
    section = AdminSection(
        lines=[localize("The last %(n)s days.", n=admin_pages.BOUNCE_DAYS)],
        filters=_filters(BOUNCES, "kind", kind, counts, text),
        search=InputField("q", localize("Address contains"), value=text, choices=[Choice("kind", kind)]),
        columns=[localize("Address"), localize("Kind"), localize("Status"), localize("When (UTC)")],
        rows=[_bounce_row(row) for row in page_rows],
        next_link=next_link,
    )
    return admin_page("/bounces", localize("Bounces"), [section])


def _bounce_row(row: Bounce) -> TableRow:
    address = Cell(row.address_key, query_path("/admin/subscribers", q=row.address_key))
    return TableRow([address, Cell(localize(row.kind)), Cell(row.status), Cell(utc(row.at))])


def _filters(path: str, name: str, chosen: str, counts: Mapping[str, int], text: str) -> Sequence[Choice]:
    """`all` and each value. Their numbers are left out beside a search, which finds fewer rows."""

    def choice(value: str, label: str, number: int) -> Choice:
        shown = label if text else f"{label} {format_number(number)}"
        return Choice(shown, query_path(path, **{name: value, "q": text}), value == chosen)

    values = dict.fromkeys([*counts, chosen] if chosen else counts)
    choices = [choice(value, localize(value), counts.get(value, 0)) for value in values]
    return [choice("", localize("all"), sum(counts.values())), *choices]
