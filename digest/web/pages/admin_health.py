"""The health page of the administration: workers, scheduler, queues, mails, disk, and each check with its cure."""

from __future__ import annotations

import math

from fastapi.responses import HTMLResponse

from digest.i18n import format_number, localize
from digest.services.admin import dashboard, health_report, service_state
from digest.services.admin.doctor_finding import OK
from digest.services.admin.health_report import HealthReport
from digest.web.http.admin_session import Administrator
from digest.web.http.dependencies import Queue
from digest.web.pages.admin_layout import admin_page, admin_router
from digest.web.ui.admin_view import AdminSection, Cell, TableRow, utc

router = admin_router()

REFRESH_SECONDS = 30
_GIGABYTE = 1_000_000_000
_LINKS = {  # where each kind of finding can be looked into
    "outbox": "/admin/runs",
    "queues": "/admin/runs",
    "processes": "/admin/runs",
    "sources": "/admin/sources",
    "summaries": "/admin/sources",
    "bounces": "/admin/suppressions",
    "api tokens": "/admin/tokens",
}
_OTHER_LINK = "/admin/settings"


@router.get("/health")
def health(_administrator: Administrator, queue: Queue) -> HTMLResponse:
    """What is wrong first, then the figures, then every check."""
    report = health_report.health_report()
    state = service_state.service_state(dashboard.dashboard(), queue, report.findings)
    checked = localize("Checked %(time)s UTC, again every minute.", time=utc(report.checked_at))
    lines = [f"{state.sentence} {state.remedy}".strip(), checked]
    sections = [AdminSection(lines=lines, figures=_figures(report)), *_check_sections(report)]
    return admin_page("/health", localize("Health"), sections, refresh=REFRESH_SECONDS)


def _figures(report: HealthReport) -> list[tuple[str, str, str]]:
    figures = []
    for queue in report.queues or ():
        text = localize(
            "%(n)s waiting, %(progress)s", n=format_number(queue.waiting), progress=_progress(queue.silence)
        )
        figures.append((localize("Queue %(name)s", name=queue.name), text, "#checks"))
    if report.scheduler_silence is not None:
        figures.append((localize("Scheduler"), _progress(report.scheduler_silence), "#checks"))
    else:
        figures.append(("Redis", localize("not used, or it does not answer"), "#checks"))
    for state in dashboard.STATES:
        if number := report.mails.get(state, 0):
            name = localize("Mails: %(state)s", state=localize(state))
            figures.append((name, format_number(number), f"/admin/mails?state={state}"))
    free = localize(
        "%(free)s of %(all)s GB",
        free=format_number(round(report.free_bytes / _GIGABYTE, 1)),
        all=format_number(round(report.total_bytes / _GIGABYTE, 1)),
    )
    return [*figures, (localize("Free on the disk"), free, "/admin/settings")]


def _progress(seconds: float) -> str:
    if math.isinf(seconds):
        return localize("no process serves it")
    return localize("progress %(n)s s ago", n=format_number(round(seconds)))


def _check_sections(report: HealthReport) -> list[AdminSection]:
    """The checks with a cure first; those that are well after them."""
    problems = [finding for finding in report.findings if finding.level != OK]
    well = [finding for finding in report.findings if finding.level == OK]
    columns = [localize("Check"), localize("Result"), localize("Found"), localize("What to do")]
    rows = [
        TableRow(
            [
                Cell(finding.name, _LINKS.get(finding.name, _OTHER_LINK)),
                Cell(localize(finding.level)),
                Cell(finding.text),
                Cell(finding.cure),
            ]
        )
        for finding in problems
    ]
    well_rows = [
        TableRow([Cell(finding.name, _LINKS.get(finding.name, _OTHER_LINK)), Cell(finding.text)]) for finding in well
    ]
    return [
        AdminSection(heading=localize("To do"), anchor="checks", columns=columns, rows=rows),
        AdminSection(heading=localize("In order"), columns=[columns[0], columns[2]], rows=well_rows),
    ]
