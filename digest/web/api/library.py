"""`POST /api/v1/library`: read a library of papers, and suggest topics from it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digest.matching.profile import Profile
from digest.services.preview.library_json import report_json
from digest.services.preview.library_topic_suggestions import report_library
from digest.services.subscriptions import pending_imports
from digest.services.subscriptions.library_resolution import MAX_PASTED, LibrarySource, read_usable_library
from digest.web.http import api_auth
from digest.web.http.preview_limits import LibrarySlot, LimitedPreview

router = APIRouter(tags=["papers"])
READ_PAPERS = Depends(api_auth.allow_public("papers:read"))
PREVIEW_DAYS, PREVIEW_PAPERS = 14, 50


class LibraryRequest(BaseModel):
    """A library: `papers` (arXiv ids, DOIs, addresses), or the `text` of a file, or where to fetch it."""

    model_config = ConfigDict(extra="forbid")

    papers: list[Annotated[str, Field(max_length=500)]] = Field(default_factory=list, max_length=5_000)
    text: str = ""
    zotero_library: str = Field(default="", max_length=300)
    zotero_key: str = Field(default="", max_length=60)
    orcid: str = Field(default="", max_length=60)


async def _source(request: Request) -> LibrarySource:
    """The library of a JSON body, or the body itself as a file. Raises RequestValidationError."""
    body = await request.body()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return LibrarySource(file=body)
    try:
        value = LibraryRequest.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in error.errors()]) from error
    return LibrarySource(
        file=value.text.encode("utf-8", "replace") if value.text else None,
        pasted="\n".join(value.papers)[: MAX_PASTED + 1],
        zotero_library=value.zotero_library,
        zotero_key=value.zotero_key,
        orcid_id=value.orcid,
    )


@router.post("/library", dependencies=[READ_PAPERS])
def library(
    source: Annotated[LibrarySource, Depends(_source)], make_preview: LimitedPreview, slot: LibrarySlot
) -> dict[str, Any]:
    """Read a library, name what is wrong in it, and suggest topics. The body is JSON, or a file of any format.

    `library` in the answer names the papers for a day: `POST /api/v1/subscriptions?library=` signs up with them.
    """
    with slot(is_remote=source.is_remote):
        resolved = read_usable_library(source)
    papers = pending_imports.bounded_papers((*resolved.examples, *resolved.awaited))
    report = report_library(
        resolved,
        Profile(examples=papers.terms),
        lambda profile: make_preview(profile, days=PREVIEW_DAYS, limit=PREVIEW_PAPERS),
    )
    return report_json(report) | {"library": pending_imports.keep_import(papers)}
