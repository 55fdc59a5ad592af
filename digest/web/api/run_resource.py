"""Runs and editions by the API: read them, start, pause, resume or cancel a run, and resend what was missed."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from digest.errors import NotFound
from digest.models import Edition
from digest.services.admin import record_listings
from digest.services.admin.record_listings import RunRecord
from digest.services.editions import web_view
from digest.services.runs import requested_run, run_control
from digest.services.security.api_tokens import ApiToken
from digest.web.api.paper_resource import CITATIONS, EncodingName, FormatName, citation_file
from digest.web.http import api_auth
from digest.web.http.api_route import ApiRoute, IdempotentRoute
from digest.web.http.cursor_pages import Listing, PageRequest, page_of
from digest.web.http.dependencies import Queue
from digest.web.http.preview_limits import PreviewSlot

router = APIRouter(route_class=ApiRoute, tags=["runs"])
actions = APIRouter(prefix="/runs", route_class=IdempotentRoute, tags=["runs"])

FIRST_YEAR, LAST_YEAR = 1900, 2999  # of a requested date, so that days can be counted from it
READ_RUNS, READ_EDITIONS = (Depends(api_auth.require_token(scope)) for scope in ("runs:read", "editions:read"))
ManageToken = Annotated[ApiToken, Depends(api_auth.require_token("runs:manage"))]
RunPage = Annotated[PageRequest, Depends(page_of("runs"))]
EditionPage = Annotated[PageRequest, Depends(page_of("editions"))]
RowId = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


class RunAnswer(BaseModel):
    """A run: all editions of one slot. `deliveries`: the number of its mails by state."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    slot: dt.datetime
    created_at: dt.datetime
    signals_at: dt.datetime
    batch_through: int
    announcement_id: int
    epoch_id: int | None
    state: str = Field(examples=["complete"], description="planned, complete, paused or cancelled")
    notice: str
    deliveries: dict[str, int] = Field(default_factory=dict, examples=[{"sent": 412}])

    @classmethod
    def from_record(cls, record: RunRecord) -> RunAnswer:
        """The answer for a run."""
        return cls.model_validate(record.run).model_copy(update={"deliveries": dict(record.deliveries)})


class RunList(Listing):
    """Runs, newest first."""

    runs: list[RunAnswer]


class RunChange(BaseModel):
    """A run after a change. `changed`: how many of its mails were held, resumed, cancelled or queued again.

    `held`: how many may have arrived and were left alone. `sending`: how many are being sent, which cancelling can't
    stop; cancel again when they are done.
    """

    run: RunAnswer
    changed: int
    held: int = 0
    sending: int = 0


class EditionAnswer(BaseModel):
    """A subscriber's edition of one day. `papers`: how many it has."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    subscriber_id: int
    day: dt.date
    run_id: int | None
    announcement_id: int
    profile_id: int
    created_at: dt.datetime
    kind: str
    cancelled: bool
    papers: int


class EditionList(Listing):
    """Editions, newest first."""

    editions: list[EditionAnswer]


class EditionDetail(EditionAnswer):
    """An edition with its content: the papers in order, each with its score, section and matched words."""

    content: dict[str, Any]

    @classmethod
    def from_row(cls, row: Edition) -> EditionDetail:
        """The answer for an edition."""
        return cls.model_validate(row)


class ResendRequest(BaseModel):
    """Which mails to queue again. `uncertain`: also those that may have arrived, with their old Message-ID."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"uncertain": False}]})

    uncertain: bool = False


class RunRequest(BaseModel):
    """Which editions to send: of all slots up to now that were not sent, or of each subscriber's slot on `date`.

    `subscriber`: only this one. `dry_run`: only say what would be started.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"dry_run": True}]})

    date: dt.date | None = Field(default=None, description="at most a week ahead")
    subscriber: int | None = Field(default=None, ge=1, le=2**31 - 1)
    dry_run: bool = False

    @field_validator("date")
    @classmethod
    def _require_usable_date(cls, value: dt.date | None) -> dt.date | None:
        if value is not None and not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise ValueError(f"use a date from {FIRST_YEAR} to {LAST_YEAR}")
        return value


class SlotAnswer(BaseModel):
    """A slot. `run`: its run, null for none yet; `subscribers`: those who have no edition of it yet.

    `starts`: its editions are built now. `waits`: its papers are not here yet, so it starts later by itself. A run that
    is paused or cancelled stays so.
    """

    model_config = ConfigDict(from_attributes=True)

    slot: dt.datetime
    subscribers: int
    run: int | None = Field(validation_alias="run_id")
    state: str = Field(description="of the run: planned, complete, paused or cancelled; empty without a run")
    waits: bool
    starts: bool


class RunStart(BaseModel):
    """What was started, or would be. `subscribers`: of the slots that start, those who have no edition of it yet.

    `papers`: of the subscriber that was named, in a dry run; else null.
    """

    dry_run: bool
    subscribers: int
    papers: int | None
    slots: list[SlotAnswer]


@actions.post("", status_code=202)
def start_run(token: ManageToken, queue: Queue, hold_slot: PreviewSlot, body: RunRequest) -> RunStart:
    """Send the editions that are due, or those of a date. The workers do it; repeating it sends nothing twice."""
    papers = None
    if not body.dry_run:
        slots = requested_run.start(body.date, subscriber_id=body.subscriber, actor=token.actor, enqueue=queue)
    else:
        slots = requested_run.rehearse(body.date, subscriber_id=body.subscriber)
        if body.subscriber is not None:
            with hold_slot():
                papers = requested_run.count_papers(body.date, subscriber_id=body.subscriber)
    return RunStart(
        dry_run=body.dry_run,
        subscribers=requested_run.subscribers_started(slots),
        papers=papers,
        slots=[SlotAnswer.model_validate(slot) for slot in slots],
    )


@router.get("/runs", dependencies=[READ_RUNS])
def list_runs(page: RunPage) -> RunList:
    """Runs, newest first, each with the number of its mails by state."""
    rows = record_listings.runs(before_id=page.before_id, limit=page.rows_needed)
    page_rows, next_page = page.finish(rows, lambda record: record.run.id)
    return RunList(runs=[RunAnswer.from_record(record) for record in page_rows], next=next_page)


@router.get("/runs/{run_id}", dependencies=[READ_RUNS])
def read_run(run_id: int) -> RunAnswer:
    """A run."""
    return RunAnswer.from_record(record_listings.run(run_id))


@actions.post("/{run_id}/pause")
def pause_run(run_id: int, token: ManageToken) -> RunChange:
    """Hold the run's waiting mails."""
    record_listings.run(run_id)
    return _change(run_id, run_control.pause(run_id, actor=token.actor))


@actions.post("/{run_id}/resume")
def resume_run(run_id: int, token: ManageToken, queue: Queue) -> RunChange:
    """Resume a paused run."""
    record_listings.run(run_id)
    return _change(run_id, run_control.resume(run_id, actor=token.actor, enqueue=queue))


@actions.post("/{run_id}/cancel")
def cancel_run(run_id: int, token: ManageToken) -> RunChange:
    """Cancel the run for good: unsent mails are not sent, and their papers are new again."""
    record_listings.run(run_id)
    outcome = run_control.cancel(run_id, actor=token.actor)
    return _change(run_id, outcome.cancelled, outcome.uncertain, outcome.sending)


@actions.post("/{run_id}/resend-missed")
def resend_missed(run_id: int, token: ManageToken, queue: Queue, body: ResendRequest) -> RunChange:
    """Queue the run's mails again for active subscribers who did not get them; a cancelled run is reopened."""
    record_listings.run(run_id)
    outcome = run_control.resend_missed(run_id, actor=token.actor, enqueue=queue, uncertain=body.uncertain)
    return _change(run_id, outcome.queued, len(outcome.uncertain))


def _change(run_id: int, changed: int, held: int = 0, sending: int = 0) -> RunChange:
    return RunChange(
        run=RunAnswer.from_record(record_listings.run(run_id)), changed=changed, held=held, sending=sending
    )


@router.get("/editions", dependencies=[READ_EDITIONS])
def list_editions(page: EditionPage, run: RowId = None, subscriber: RowId = None) -> EditionList:
    """Editions, newest first: of a run, of a subscriber, or all."""
    rows = record_listings.editions(
        run_id=run, subscriber_id=subscriber, before_id=page.before_id, limit=page.rows_needed
    )
    page_rows, next_page = page.finish(rows, lambda row: row.id)
    return EditionList(editions=[EditionAnswer.model_validate(row) for row in page_rows], next=next_page)


@router.get("/editions/{edition_id}", dependencies=[READ_EDITIONS])
def read_edition(edition_id: int) -> EditionDetail:
    """An edition with its papers."""
    return EditionDetail.from_row(record_listings.edition(edition_id))


@router.get(
    "/editions/{edition_id}/citations", dependencies=[READ_EDITIONS], response_class=Response, responses=CITATIONS
)
def edition_citations(edition_id: int, format: FormatName = "bibtex", encoding: EncodingName = "unicode") -> Response:  # noqa: A002
    """Export the papers of an edition as BibTeX, RIS or CSL-JSON."""
    if not 0 < edition_id <= record_listings.MAX_ID:
        raise NotFound("this edition no longer exists")
    return citation_file(web_view.edition_papers(edition_id), format, encoding, f"edition-{edition_id}")
