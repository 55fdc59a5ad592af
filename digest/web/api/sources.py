"""The sources under /api/v1/sources: list, pause and resume them; preview, add, confirm and remove feeds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from digest.errors import BadInput, NotFound, SourceDown
from digest.services.admin import feed_preview, source_admin, source_listing
from digest.services.security.api_tokens import ApiToken
from digest.web.http import api_auth

router = APIRouter(prefix="/api/v1/sources")

READ_SOURCES = Depends(api_auth.require_token("sources:read"))
WriteSources = Annotated[ApiToken, Depends(api_auth.require_token("sources:write"))]


class FeedAddress(BaseModel):
    """The address of an RSS, Atom or JSON feed."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(max_length=2000)


class NewFeed(FeedAddress):
    """A feed to add. `name`, `title`: from the feed where they are empty; `max_a_day`: papers mailed a day at most."""

    name: str = Field(default="", max_length=40)
    title: str = Field(default="", max_length=200)
    max_a_day: int | None = Field(default=None, ge=1, le=source_admin.MAX_PAPERS_A_DAY)


@router.get("", dependencies=[READ_SOURCES])
def sources() -> dict[str, Any]:
    """All sources: state, last and next fetch, items left out; of feeds also whether they are confirmed."""
    return {"sources": [row.to_json() for row in source_listing.source_rows()]}


@router.post("/preview")
def preview(body: FeedAddress, _token: WriteSources) -> dict[str, Any]:
    """Show what a feed would bring, and what would be left out and why. Nothing is stored."""
    try:
        return feed_preview.preview_feed(body.address).to_json()
    except SourceDown as error:
        raise BadInput(f"address: {error}", field="address") from error


@router.post("", status_code=201)
def add(body: NewFeed, token: WriteSources) -> dict[str, Any]:
    """Add a feed. Until it is confirmed, only some of its papers are mailed a day."""
    try:
        feed, _ = source_admin.add_feed(
            body.address, name=body.name, title=body.title, max_a_day=body.max_a_day, actor=_actor(token)
        )
    except SourceDown as error:
        raise BadInput(f"address: {error}", field="address") from error
    return _source(feed.name)


@router.get("/{name}", dependencies=[READ_SOURCES])
def source(name: str) -> dict[str, Any]:
    """One source."""
    return _source(name)


@router.post("/{name}/confirm")
def confirm(name: str, token: WriteSources) -> dict[str, Any]:
    """Confirm that the papers of a feed are right. The daily limit for new feeds ends."""
    source_admin.confirm_feed(name, actor=_actor(token))
    return _source(name)


@router.post("/{name}/pause")
def pause(name: str, token: WriteSources) -> dict[str, Any]:
    """Stop fetching a source until it is resumed."""
    source_admin.pause_source(name, actor=_actor(token))
    return _source(name)


@router.post("/{name}/resume")
def resume(name: str, token: WriteSources) -> dict[str, Any]:
    """Fetch a paused source again."""
    source_admin.resume_source(name, actor=_actor(token))
    return _source(name)


@router.delete("/{name}", status_code=204)
def remove(name: str, token: WriteSources) -> None:
    """Remove a feed. Its papers stay."""
    source_admin.remove_feed(name, actor=_actor(token))


def _actor(token: ApiToken) -> str:
    return f"token {token.name}"


def _source(name: str) -> dict[str, Any]:
    """One source as JSON. Raises NotFound."""
    row = next((row for row in source_listing.source_rows() if row.name == name), None)
    if row is None:
        raise NotFound("there is no source of that name")
    return row.to_json()
