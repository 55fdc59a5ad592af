"""Runs and editions by the API: read them, and pause, resume or cancel a run, or resend what was missed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from digest.errors import NotFound
from digest.services.admin import record_listings
from digest.services.editions import web_view
from digest.services.runs import run_control
from digest.services.security.api_tokens import ApiToken
from digest.web.api.answers import EditionAnswer, EditionDetail, EditionList, RunAnswer, RunChange, RunList
from digest.web.api.paper_resource import CITATIONS, EncodingName, FormatName, citation_file
from digest.web.http import api_auth
from digest.web.http.api_route import ApiRoute, IdempotentRoute
from digest.web.http.cursor_pages import PageRequest, page_of
from digest.web.http.dependencies import Queue

router = APIRouter(route_class=ApiRoute, tags=["runs"])
actions = APIRouter(prefix="/runs", route_class=IdempotentRoute, tags=["runs"])

READ_RUNS, READ_EDITIONS = (Depends(api_auth.require_token(scope)) for scope in ("runs:read", "editions:read"))
ManageToken = Annotated[ApiToken, Depends(api_auth.require_token("runs:manage"))]
RunPage = Annotated[PageRequest, Depends(page_of("runs"))]
EditionPage = Annotated[PageRequest, Depends(page_of("editions"))]
RowId = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


class ResendRequest(BaseModel):
    """Which mails to queue again. `uncertain`: also those that may have arrived, with their old Message-ID."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"uncertain": False}]})

    uncertain: bool = False


@router.get("/runs", dependencies=[READ_RUNS])
def list_runs(page: RunPage) -> RunList:
    """Runs, newest first, each with the number of its mails by state."""
    rows = record_listings.runs(before_id=page.before_id, limit=page.rows_needed)
    shown, next_page = page.finish(rows, lambda record: record.run.id)
    return RunList(runs=[RunAnswer.of(record) for record in shown], next=next_page)


@router.get("/runs/{run_id}", dependencies=[READ_RUNS])
def read_run(run_id: int) -> RunAnswer:
    """A run."""
    return RunAnswer.of(record_listings.run(run_id))


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
    return RunChange(run=RunAnswer.of(record_listings.run(run_id)), changed=changed, held=held, sending=sending)


@router.get("/editions", dependencies=[READ_EDITIONS])
def list_editions(page: EditionPage, run: RowId = None, subscriber: RowId = None) -> EditionList:
    """Editions, newest first: of a run, of a subscriber, or all."""
    rows = record_listings.editions(
        run_id=run, subscriber_id=subscriber, before_id=page.before_id, limit=page.rows_needed
    )
    shown, next_page = page.finish(rows, lambda row: row.id)
    return EditionList(editions=[EditionAnswer.model_validate(row) for row in shown], next=next_page)


@router.get("/editions/{edition_id}", dependencies=[READ_EDITIONS])
def read_edition(edition_id: int) -> EditionDetail:
    """An edition with its papers."""
    return EditionDetail.of(record_listings.edition(edition_id))


@router.get(
    "/editions/{edition_id}/citations", dependencies=[READ_EDITIONS], response_class=Response, responses=CITATIONS
)
def edition_citations(edition_id: int, format: FormatName = "bibtex", encoding: EncodingName = "unicode") -> Response:  # noqa: A002
    """Export the papers of an edition as BibTeX, RIS or CSL-JSON."""
    if not 0 < edition_id <= record_listings.MAX_ID:
        raise NotFound("this edition no longer exists")
    return citation_file(web_view.edition_papers(edition_id), format, encoding, f"edition-{edition_id}")
