"""Sources by the API: list, fetch, pause and resume them; preview, add, confirm and remove feeds."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from digest.errors import BadInput, NotFound, SourceDown
from digest.i18n import localize
from digest.services.admin import admin_pages, feed_preview, source_admin, source_listing
from digest.services.ingestion import fetch_schedule, source_status
from digest.services.security.api_tokens import ApiToken
from digest.web.http import api_auth
from digest.web.http.api_route import Accepted, ApiRoute, IdempotentRoute
from digest.web.http.cursor_pages import Listing, PageRequest, page_of

router = APIRouter(route_class=ApiRoute, tags=["sources"])
actions = APIRouter(route_class=IdempotentRoute, tags=["sources"])

READ_SOURCES = Depends(api_auth.require_token("sources:read"))
ManageSources = Annotated[ApiToken, Depends(api_auth.require_token("sources:manage"))]
SourceName = Annotated[str, Path(max_length=60)]
_EXAMPLE: JsonDict = {"address": "https://journal.example/feed.xml"}


class SourceAnswer(BaseModel):
    """A source and its state. `next_at`: null for a source that is not fetched; a past time means now.

    `rejects`: items left out so far. For feeds also the address, whether an administrator has confirmed it, and how
    many papers wait because more than `max_a_day` came. `former_address`: before the feed moved, empty for none.
    """

    name: str = Field(examples=["journal-of-examples"])
    title: str
    kind: Literal["built-in", "feed"]
    state: str = Field(examples=["on time"])
    detail: str
    complete_through: date | None
    last_at: datetime | None
    next_at: datetime | None
    rejects: int
    is_paused: bool
    address: str
    former_address: str
    confirmed: bool | None
    max_a_day: int | None
    held: int


class FeedPaperAnswer(BaseModel):
    """A paper of a feed. `identifier`: DOI, arXiv id or address; `outcome`: what would become of it."""

    title: str
    identifier: str
    date: dt.date | None
    authors: str
    abstract_from: str
    outcome: str


class LeftOutItemAnswer(BaseModel):
    """An item of a feed that is no paper."""

    title: str
    reason: str


class FeedPreviewAnswer(BaseModel):
    """What a feed would bring. `is_cut`: the feed was cut off."""

    title: str
    papers: list[FeedPaperAnswer]
    left_out: list[LeftOutItemAnswer]
    is_cut: bool


class SourceList(BaseModel):
    """All sources, those that are fetched first."""

    sources: list[SourceAnswer]


class RejectAnswer(BaseModel):
    """An item of a source that could not be used, and why. `last_seen_at`: null until it comes a second time."""

    id: int
    at: datetime
    document: str
    position: int
    reason: str
    excerpt: str
    times_seen: int
    last_seen_at: datetime | None


class RejectList(Listing):
    """Items that could not be used, newest first."""

    rejects: list[RejectAnswer]


class FeedAddress(BaseModel):
    """The address of an RSS, Atom or JSON feed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    address: str = Field(max_length=2000)


class NewFeed(FeedAddress):
    """A feed to add. `name`, `title`: from the feed where they are empty; `max_a_day`: papers mailed a day at most.

    `subject`: name or code of the subject of its papers that have none.
    """

    name: str = Field(default="", max_length=40)
    title: str = Field(default="", max_length=200)
    subject: str = Field(default="", max_length=80)
    max_a_day: int | None = Field(default=None, ge=1, le=source_admin.MAX_PAPERS_A_DAY)


@router.get("/sources", dependencies=[READ_SOURCES])
def list_sources() -> SourceList:
    """The sources, built-in ones and feeds: state, last and next fetch, items left out."""
    return SourceList(sources=_sources())


@router.post("/sources/preview")
def preview_feed(body: FeedAddress, _token: ManageSources) -> FeedPreviewAnswer:
    """Show what a feed would bring, and what would be left out and why. Nothing is stored."""
    try:
        preview = feed_preview.preview_feed(body.address)
    except SourceDown as error:
        raise BadInput(f"address: {error}", field="address") from error
    return FeedPreviewAnswer.model_validate(preview.to_json())


@actions.post("/sources", status_code=201)
def add_feed(body: NewFeed, token: ManageSources, response: Response) -> SourceAnswer:
    """Add a feed. Until it is confirmed, only some of its papers are mailed a day."""
    try:
        feed, _ = source_admin.add_feed(
            body.address,
            name=body.name,
            title=body.title,
            subject=body.subject,
            max_a_day=body.max_a_day,
            actor=token.actor,
        )
    except SourceDown as error:
        raise BadInput(f"address: {error}", field="address") from error
    response.headers["Location"] = f"/api/v1/sources/{quote(feed.name)}"
    return _source(feed.name)


@router.get("/sources/{name}", dependencies=[READ_SOURCES])
def read_source(name: SourceName) -> SourceAnswer:
    """A source."""
    return _source(name)


@router.get("/sources/{name}/rejects", dependencies=[READ_SOURCES])
def list_rejects(name: SourceName, page: Annotated[PageRequest, Depends(page_of("rejects"))]) -> RejectList:
    """Items of a source that could not be used, newest first."""
    _source(name)
    rows = admin_pages.newest_rejects(name, before_id=page.before_id, limit=page.rows_needed)
    page_rows, next_page = page.finish(rows, lambda pair: pair[0].id)
    rejects = [
        RejectAnswer(at=batch.started_at, **reject.model_dump(include=set(RejectAnswer.model_fields)))
        for reject, batch in page_rows
    ]
    return RejectList(rejects=rejects, next=next_page)


@actions.post("/sources/{name}/fetch", status_code=202)
def fetch_source(name: SourceName, token: ManageSources) -> Accepted:
    """Have a source fetched within a minute. 409 while the source itself asked for no request."""
    fetch_schedule.request_fetch(name, actor=token.actor)
    return Accepted(next="the source is fetched within a minute")


@actions.post("/sources/{name}/confirm")
def confirm_feed(name: SourceName, token: ManageSources) -> SourceAnswer:
    """Confirm that the papers of a feed are right. The daily limit for new feeds ends."""
    source_admin.confirm_feed(name, actor=token.actor)
    return _source(name)


@actions.post("/sources/{name}/pause")
def pause_source(name: SourceName, token: ManageSources) -> SourceAnswer:
    """Stop fetching a source until it is resumed."""
    source_admin.pause_source(name, actor=token.actor)
    return _source(name)


@actions.post("/sources/{name}/resume")
def resume_source(name: SourceName, token: ManageSources) -> SourceAnswer:
    """Fetch a paused source again."""
    source_admin.resume_source(name, actor=token.actor)
    return _source(name)


@router.delete("/sources/{name}", status_code=204, response_class=Response)
def remove_feed(name: SourceName, token: ManageSources) -> None:
    """Remove a feed. Its papers stay."""
    source_admin.remove_feed(name, actor=token.actor)


def _source(name: str) -> SourceAnswer:
    answer = next((source for source in _sources() if source.name == name), None)
    if answer is None:
        raise NotFound(localize("there is no source of that name"))
    return answer


def _sources() -> list[SourceAnswer]:
    complete_through = {status.source: status.complete_through for status in source_status.source_statuses()}
    return [
        SourceAnswer(**asdict(row), complete_through=complete_through.get(row.name))
        for row in source_listing.source_rows()
    ]
