"""Administration of sources: their states, pausing, feeds to add after a preview, confirm, restore and remove."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from digest.errors import BadInput, DigestError, NotFound, Refused, SourceDown
from digest.i18n import localize, localize_plural
from digest.papers.subjects import SUBJECTS, subject_label
from digest.services.admin import admin_pages, source_admin, source_listing
from digest.services.admin.feed_preview import NEW, FeedPreview, preview_feed
from digest.services.admin.source_listing import SourceRow
from digest.services.ingestion import fetch_schedule
from digest.sources.feed_moves import checked_address
from digest.web.http.admin_session import Administrator
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

PATH = "/admin/sources"
MAX_PREVIEWED = 50


@router.get("/sources")
def sources(
    _administrator: Administrator,
    source: Annotated[str, Query(max_length=40)] = "",
    before: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> HTMLResponse:
    """The sources with their next fetch, and the items of one of them that were left out."""
    return _sources_page(source, before=before)


@router.post("/sources")
def act_on_sources(form: Form, administrator: Administrator) -> Response:
    """Fetch a source now, pause or resume it; preview, add, confirm, restore or remove a feed."""
    action = form_text(form, "action")
    try:
        if action == "preview":
            return _preview_page(form)
        return redirect_after(PATH, _perform(action, form, administrator))
    except SourceDown as error:
        return _sources_page(error=BadInput(str(error)), address=form_text(form, "address"))
    except (BadInput, NotFound, Refused) as error:
        return _sources_page(error=error, address=form_text(form, "address"))


def _perform(action: str, form: FormData, administrator: str) -> str:
    """Do what a button says. Returns the message of the page. Raises BadInput, NotFound, Refused, SourceDown."""
    name = form_text(form, "source")
    if action == "add":
        return _add(form, administrator)
    if action in {"", "fetch"}:
        fetch_schedule.request_fetch(name, actor=administrator)
        return localize("%(source)s is fetched within a minute.", source=name)
    changes: dict[str, tuple[Callable[..., object], str]] = {
        "pause": (source_admin.pause_source, localize("%(source)s is paused.", source=name)),
        "resume": (source_admin.resume_source, localize("%(source)s is fetched again.", source=name)),
        "confirm": (source_admin.confirm_feed, localize("%(source)s is confirmed.", source=name)),
        "restore": (source_admin.restore_feed, localize("%(source)s has its former address again.", source=name)),
        "remove": (source_admin.remove_feed, localize("%(source)s is removed; its papers stay.", source=name)),
    }
    if action not in changes:
        raise BadInput(
            localize("action: use fetch, pause, resume, preview, add, confirm, restore or remove"), field="action"
        )
    change, message = changes[action]
    change(name, actor=administrator)
    return message


def _add(form: FormData, administrator: str) -> str:
    feed, preview = source_admin.add_feed(
        form_text(form, "address"),
        title=form_text(form, "title"),
        name=form_text(form, "name"),
        subject=form_text(form, "subject"),
        actor=administrator,
    )
    new = sum(paper.outcome == NEW for paper in preview.papers)
    papers = localize_plural("%(n)s new paper", "%(n)s new papers", new)
    return localize(
        "%(title)s is added as %(source)s, with %(papers)s.", title=feed.title, source=feed.name, papers=papers
    )


def _sources_page(
    selected: str = "", *, before: int = 0, error: DigestError | None = None, address: str = ""
) -> HTMLResponse:
    rows = source_listing.source_rows()
    require_choice(selected, {row.name for row in rows} | admin_pages.imported_sources())
    sections = [AdminSection(columns=_columns(), rows=[_source_row(row) for row in rows if row.kind == "built-in"])]
    feeds = [_source_row(row) for row in rows if row.kind == "feed"]
    line = localize("Journals, societies and blogs: any RSS, Atom or JSON feed. You see first what it would bring.")
    field = InputField("address", localize("Address of the feed"), kind="url", value=address, is_required=True)
    form = AdminForm(PATH, "preview", localize("Preview"), [field], is_quiet=False)
    columns = _columns() if feeds else ()
    sections.append(AdminSection(heading=localize("Feeds"), lines=[line], columns=columns, rows=feeds, forms=[form]))
    if selected:
        sections.append(_rejects_section(selected, before))
    return admin_page("/sources", localize("Sources"), sections, error=error)


def _columns() -> list[str]:
    return [localize("Source"), localize("State"), localize("Last (UTC)"), localize("Next (UTC)"), localize("Left out")]


def _source_row(row: SourceRow) -> TableRow:
    notes = [localize(row.state), row.detail, source_listing.feed_note(row)]
    cells = [
        Cell(row.title, left_out := query_path(PATH, source=row.name) + "#left-out"),
        Cell("; ".join(filter(None, notes))),
        Cell(utc(row.last_at)),
        Cell(utc(row.next_at)),
        Cell(str(row.rejects), left_out if row.rejects else "", is_number=True),
    ]
    return TableRow(cells, _actions(row))


def _actions(row: SourceRow) -> list[RowAction]:
    def button(action: str, text: str, label: str) -> RowAction:
        return RowAction(text, label, PATH, (("action", action), ("source", row.name)))

    actions = []
    if row.confirmed is False:
        actions.append(button("confirm", localize("Confirm"), localize("Confirm %(source)s", source=row.title)))
    if row.next_at is not None:
        actions.append(button("fetch", localize("Fetch now"), localize("Fetch %(source)s now", source=row.title)))
    if row.is_paused:
        actions.append(button("resume", localize("Resume"), localize("Resume %(source)s", source=row.title)))
    elif row.next_at is not None:
        actions.append(button("pause", localize("Pause"), localize("Pause %(source)s", source=row.title)))
    if row.former_address:
        label = localize("Give %(source)s its former address back", source=row.title)
        actions.append(button("restore", localize("Restore address"), label))
    if row.kind == "feed":
        actions.append(button("remove", localize("Remove"), localize("Remove %(source)s", source=row.title)))
    return actions


def _rejects_section(source: str, before: int) -> AdminSection:
    page = admin_pages.newest_rejects(source, limit=PAGE_ROWS + 1, before_id=before or None)
    page_rows, next_link = split_page(page, lambda row: query_path(PATH, source=source, before=row[0].id) + "#left-out")
    rows = [
        TableRow(
            [
                Cell(utc(reject.last_seen_at or batch.started_at)),
                Cell(f"{reject.document}, {reject.position}" if reject.position else reject.document),
                Cell(reject.reason),
                Cell(reject.excerpt),
                Cell(str(reject.times_seen), is_number=True),
                Cell(utc(batch.started_at)),
            ]
        )
        for reject, batch in page_rows
    ]
    return AdminSection(
        heading=localize("Items of %(source)s that could not be used", source=source),
        anchor="left-out",
        columns=[
            localize("Last (UTC)"),
            localize("Where"),
            localize("Reason"),
            localize("Item"),
            localize("Times"),
            localize("First (UTC)"),
        ],
        rows=rows,
        next_link=next_link,
    )


def _preview_page(form: FormData) -> HTMLResponse:
    """What a feed would bring, and the button that adds it. Raises BadInput, SourceDown."""
    address = checked_address(form_text(form, "address"))
    preview = preview_feed(address)
    title = source_admin.title_of(preview.title, address)
    new = sum(paper.outcome == NEW for paper in preview.papers)
    counts = [
        localize_plural("%(n)s paper", "%(n)s papers", len(preview.papers)),
        localize_plural("%(n)s of them new", "%(n)s of them new", new),
        localize_plural("%(n)s entry left out", "%(n)s entries left out", len(preview.left_out)),
    ]
    line = ", ".join(counts)
    fields = [
        InputField("address", "", kind="hidden", value=address),
        InputField("title", localize("Name that subscribers see"), value=title, is_required=True),
        InputField(
            "subject",
            localize("Subject of papers without any"),
            kind="select",
            choices=[Choice(localize("none"), ""), *(Choice(subject_label(code), code) for code in SUBJECTS)],
        ),
    ]
    add = AdminForm(PATH, "add", localize("Add this feed"), fields, is_quiet=False)
    sections = [AdminSection(lines=[address, line], forms=[add]), _papers_section(preview)]
    if preview.left_out:
        rows = [TableRow([Cell(name), Cell(reason)]) for name, reason in preview.left_out[:MAX_PREVIEWED]]
        columns = [localize("Item"), localize("Reason")]
        sections.append(AdminSection(heading=localize("Left out"), columns=columns, rows=rows))
    return admin_page("/sources", title, sections)


def _papers_section(preview: FeedPreview) -> AdminSection:
    rows = [
        TableRow(
            [
                Cell(paper.title),
                Cell(paper.identifier),
                Cell(str(paper.date or "")),
                Cell(paper.abstract_from or localize("nowhere")),
                Cell(localize(paper.outcome)),
            ]
        )
        for paper in preview.papers[:MAX_PREVIEWED]
    ]
    columns = [
        localize("Paper"),
        localize("Identifier"),
        localize("Date"),
        localize("Abstract from"),
        localize("Stored as"),
    ]
    return AdminSection(heading=localize("Papers"), columns=columns, rows=rows)
