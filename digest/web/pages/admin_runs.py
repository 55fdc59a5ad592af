"""Administration of runs: the list, one run with its deliveries, and pausing, cancelling or resending it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse, Response

from digest.errors import BadInput, Refused
from digest.i18n import format_number, localize, localize_plural
from digest.models import Delivery, Run
from digest.models.delivery import CANCELLED, DEFERRED, QUEUED, SENDING, SENT, UNCERTAIN
from digest.models.edition import COMPLETE, PAUSED
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.admin import admin_pages
from digest.services.admin.dashboard import STATES
from digest.services.runs import run_control
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
    TableRow,
    number_cell,
    query_path,
    split_page,
    utc,
)
from digest.web.ui.forms import Form

router = admin_router()

REFRESH_SECONDS = 10
State = Annotated[str, Query(max_length=20)]
Text = Annotated[str, Query(max_length=254)]
Position = Annotated[int, Query(ge=0, lt=2**62)]


@router.get("/runs")
def runs(_administrator: Administrator, before: Position = 0) -> HTMLResponse:
    """The runs, newest first, with their mails by state."""
    page, states = admin_pages.runs_page(before_id=before or None, limit=PAGE_ROWS + 1)
    page_rows, next_link = split_page(page, lambda run: query_path("/admin/runs", before=run.id))
    columns = [localize("Slot (UTC)"), localize("State"), *(localize(state) for state in STATES)]
    rows = [_run_row(run, states.get(stored_id(run), {})) for run in page_rows]
    return admin_page("/runs", localize("Runs"), [AdminSection(columns=columns, rows=rows, next_link=next_link)])


def _run_row(run: Run, counts: Mapping[str, int]) -> TableRow:
    page = f"/admin/runs/{run.id}"
    numbers = [number_cell(counts.get(state, 0), query_path(page, state=state)) for state in STATES]
    return TableRow([Cell(utc(run.slot), page), Cell(localize(run.state)), *numbers])


@router.get("/runs/{run_id}")
def run_page(
    run_id: int,
    _administrator: Administrator,
    queue: Queue,
    state: State = "",
    q: Text = "",
    after: Position = 0,
    follow: bool = False,
) -> HTMLResponse:
    """A run with its deliveries, filtered by state and address; `follow` refreshes it while workers send its mails."""
    is_worker_silent = follow and not queue.alive()
    return _run_page(
        run_id,
        state=state,
        text=q,
        after=after,
        follow=follow and not is_worker_silent,
        is_worker_silent=is_worker_silent,
    )


@router.post("/runs/{run_id}")
def act_on_run(run_id: int, form: Form, queue: Queue, administrator: Administrator) -> Response:
    """Pause, resume or cancel a run, or resend what was missed."""
    try:
        message = _perform(run_id, form_text(form, "action"), administrator, queue)
    except (BadInput, Refused) as error:
        return _run_page(run_id, error=error)
    return redirect_after(f"/admin/runs/{run_id}", message)


@router.get("/runs/{run_id}/cancel")
def confirm_cancelling(run_id: int, _administrator: Administrator) -> HTMLResponse:
    """Ask before cancelling, because it is for good."""
    run, counts = admin_pages.run_with_states(run_id)
    if not _can_cancel(run, counts):
        return _run_page(run_id, error=_nothing_to_cancel(run_id, run.state))
    line = localize_plural(
        "%(n)s mail of %(slot)s UTC is not sent yet. It is cancelled for good, and its papers are new again.",
        "%(n)s mails of %(slot)s UTC are not sent yet. They are cancelled for good, and their papers are new again.",
        counts.get(QUEUED, 0) + counts.get(DEFERRED, 0),
        slot=utc(run.slot),
    )
    lines = [line, *_uncancelled(counts.get(UNCERTAIN, 0), counts.get(SENDING, 0))]
    form = AdminForm(f"/admin/runs/{run_id}", "cancel", localize("Cancel the run"), lines=lines, is_quiet=False)
    return admin_page("/runs", localize("Cancel run %(run)s?", run=run_id), [AdminSection(forms=[form])])


def _nothing_to_cancel(run_id: int, state: str) -> Refused:
    text = localize(
        "run %(run)s is %(state)s: none of its mails waits, so there is nothing to cancel",
        run=run_id,
        state=localize(state),
    )
    return Refused(text)


def _uncancelled(uncertain: int, sending: int) -> list[str]:
    """What cancelling a run does not stop, in sentences."""
    lines = []
    if uncertain:
        line = localize_plural(
            "%(n)s mail may have arrived: it is held, and its papers are not new again.",
            "%(n)s mails may have arrived: they are held, and their papers are not new again.",
            uncertain,
        )
        lines.append(line)
    if sending:
        line = localize_plural(
            "%(n)s mail is being sent and can't be stopped; cancel again when it is done.",
            "%(n)s mails are being sent and can't be stopped; cancel again when they are done.",
            sending,
        )
        lines.append(line)
    return lines


def _perform(run_id: int, action: str, administrator: str, queue: Enqueue) -> str:
    """Do what a button says. Returns the message of the page. Raises BadInput, NotFound, Refused."""
    match action:
        case "pause":
            count = run_control.pause(run_id, actor=administrator)
            return localize_plural("Paused with %(n)s unsent mail.", "Paused with %(n)s unsent mails.", count)
        case "resume":
            count = run_control.resume(run_id, actor=administrator, enqueue=queue)
            return localize_plural("Resumed with %(n)s unsent mail.", "Resumed with %(n)s unsent mails.", count)
        case "cancel":
            result = run_control.cancel(run_id, actor=administrator)
            line = localize_plural("%(n)s mail is cancelled.", "%(n)s mails are cancelled.", result.cancelled)
            return " ".join([line, *_uncancelled(result.uncertain, result.sending)])
        case "resend-missed" | "resend-uncertain":
            uncertain = action == "resend-uncertain"
            resent = run_control.resend_missed(run_id, actor=administrator, enqueue=queue, uncertain=uncertain)
            return localize_plural("%(n)s mail is queued again.", "%(n)s mails are queued again.", resent.queued)
        case _:
            raise BadInput(localize("action: use pause, resume, cancel or resend-missed"), field="action")


def _run_page(
    run_id: int,
    *,
    state: str = "",
    text: str = "",
    after: int = 0,
    follow: bool = False,
    is_worker_silent: bool = False,
    error: BadInput | Refused | None = None,
) -> HTMLResponse:
    run, counts = admin_pages.run_with_states(run_id)
    require_choice(state, STATES)
    page = f"/admin/runs/{run_id}"
    deliveries = admin_pages.run_deliveries(run_id, state=state, text=text, after_id=after, limit=PAGE_ROWS + 1)
    page_rows, next_link = split_page(deliveries, lambda row: query_path(page, state=state, q=text, after=row.id))
    is_unfinished = _is_unfinished(run, counts)
    mails = AdminSection(
        heading=localize("Mails"),
        filters=_filters(page, counts, state, text, follow=follow, is_unfinished=is_unfinished),
        search=InputField("q", localize("Address contains"), value=text, choices=[Choice("state", state)]),
        columns=[
            localize("Address"),
            localize("Kind"),
            localize("State"),
            localize("Attempts"),
            localize("Last reply"),
        ],
        rows=[_delivery_row(row) for row in page_rows],
        next_link=next_link,
    )
    sections = [_summary_section(run, counts, page, is_worker_silent=is_worker_silent and is_unfinished), mails]
    title = localize("Run of %(slot)s UTC", slot=utc(run.slot))
    refresh = REFRESH_SECONDS if follow and is_unfinished else 0
    return admin_page("/runs", title, sections, error=error, refresh=refresh)


def _is_unfinished(run: Run, counts: Mapping[str, int]) -> bool:
    """True while mails may still be sent without an administrator."""
    has_waiting_mails = any(counts.get(state) for state in (QUEUED, SENDING, DEFERRED))
    return has_waiting_mails or run.state not in {COMPLETE, CANCELLED, PAUSED}


def _summary_section(run: Run, counts: Mapping[str, int], page: str, *, is_worker_silent: bool) -> AdminSection:
    """What became of the mails, and what an administrator may do."""
    lines = [_summary(run, counts)]
    if is_worker_silent:
        lines.append(localize("No worker answers, so this page is not refreshed: nothing would change."))
    figures = []
    if _can_cancel(run, counts):
        figures.append((localize("Unsent mails"), localize("Cancel the run"), f"{page}/cancel"))
    return AdminSection(lines=lines, figures=figures, forms=_run_forms(run, counts, page))


def _can_cancel(run: Run, counts: Mapping[str, int]) -> bool:
    """True where cancelling stops something: mails that are not sent, or editions that are not built yet.

    A mail in doubt is held by cancelling once; one that was being sent then may be cancelled later.
    """
    if any(counts.get(state) for state in (QUEUED, SENDING, DEFERRED)):
        return True
    return run.state not in {COMPLETE, CANCELLED} or (run.state == COMPLETE and counts.get(UNCERTAIN, 0) > 0)


def _summary(run: Run, counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return localize(
        "%(state)s: %(sent)s of %(total)s mails sent.",
        state=localize(run.state).capitalize(),
        sent=counts.get(SENT, 0),
        total=total,
    )


def _filters(
    page: str, counts: Mapping[str, int], state: str, text: str, *, follow: bool, is_unfinished: bool
) -> list[Choice]:
    def label(name: str, number: int) -> str:  # without the number beside a search, which finds fewer mails
        return name if text else f"{name} {format_number(number)}"

    choices = [Choice(label(localize("all"), sum(counts.values())), query_path(page, q=text), not state)]
    choices += [
        Choice(label(localize(name), counts[name]), query_path(page, state=name, q=text), name == state)
        for name in STATES
        if counts.get(name)
    ]
    if is_unfinished:
        text_of_link = localize("Stop following") if follow else localize("Follow the progress")
        choices.append(Choice(text_of_link, query_path(page, state=state, q=text, follow="" if follow else "yes")))
    return choices


def _run_forms(run: Run, counts: Mapping[str, int], page: str) -> list[AdminForm]:
    """The actions that are possible now."""
    forms = []
    if run.state == PAUSED:
        forms.append(AdminForm(page, "resume", localize("Resume"), is_quiet=False))
    elif counts.get(QUEUED) or counts.get(DEFERRED) or run.state not in {COMPLETE, CANCELLED}:
        forms.append(AdminForm(page, "pause", localize("Pause")))
    if counts.get("rejected") or counts.get(CANCELLED):
        forms.append(AdminForm(page, "resend-missed", localize("Resend what was missed")))
    if counts.get(UNCERTAIN):
        line = localize("These may have arrived; a second copy has the same Message-ID.")
        forms.append(AdminForm(page, "resend-uncertain", localize("Resend uncertain ones too"), lines=[line]))
    return forms


def _delivery_row(row: Delivery) -> TableRow:
    link = f"/admin/subscribers/{row.subscriber_id}" if row.subscriber_id else ""
    state = localize("uncertain, held") if row.state == UNCERTAIN and row.due_at is None else localize(row.state)
    cells = [Cell(row.address or localize("erased"), link), Cell(localize(row.kind)), Cell(state)]
    return TableRow([*cells, Cell(str(row.attempts), is_number=True), Cell(row.reply)])
