"""The API under /api/v1: the use cases of the pages as JSON. The administrative routes need a token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from digest.errors import BadInput, NotFound
from digest.services.admin import dashboard
from digest.services.catalog import paper_exports, paper_lookup
from digest.services.catalog.page_schemas import Preview
from digest.services.editions import web_view
from digest.services.search import paper_search
from digest.services.search.search_schemas import NEWEST, SearchRequest
from digest.services.security import signed_links
from digest.services.security.api_tokens import ApiToken
from digest.services.subscriptions import topic_feedback
from digest.services.subscriptions.pending_imports import pending_papers
from digest.services.subscriptions.preference_fields import SignUpPreferences, Subscription
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.services.subscriptions.sign_up import subscribe
from digest.signing import PREFERENCES
from digest.web.api import search_answers
from digest.web.http import api_auth
from digest.web.http.api_auth import Caller
from digest.web.http.constant_time import run_in_time_steps
from digest.web.http.dependencies import Queue, Services
from digest.web.http.preview_limits import LimitedPreview
from digest.web.http.search_limits import SearchSlot
from digest.web.ui.page_cache import CachedPage, Pages

router = APIRouter(prefix="/api/v1")


class PreviewRequest(SignUpPreferences):
    """A profile to try. `days`: the number of announcements; `limit`: the maximum number of papers of each."""

    days: int = Field(default=14, ge=1, le=60)


class PaperQuery(BaseModel):
    """A search in the query language of topics. `order`: newest or best; `after`, `before`: days, as 2025-11-21."""

    q: str = Field(default="", max_length=2000)
    order: str = NEWEST
    source: str = Field(default="", max_length=60)
    code: bool = False
    after: date | None = None
    before: date | None = None
    cursor: str = Field(default="", max_length=60)

    def request(self, category: str | None, limit: int) -> SearchRequest:
        """The request to the search. Raises BadInput."""
        if category and not (len(category) <= 20 and CATEGORY.fullmatch(category)):
            raise BadInput("category: use one of arXiv's, such as cs.LG", field="category")
        return SearchRequest(
            text=self.q,
            order=self.order,
            category=category or "",
            source=self.source,
            code=self.code,
            first=self.after,
            last=self.before,
            cursor=self.cursor,
            limit=limit,
        )


READ_PAPERS = Depends(api_auth.allow_public("papers:read"))
WriteSubscriptions = Annotated[Caller, Depends(api_auth.allow_public("subscriptions:write"))]
ReadDeliveries = Annotated[ApiToken, Depends(api_auth.require_token("deliveries:read"))]
RUNS, EDITIONS = (Depends(api_auth.require_token(scope)) for scope in ("runs:read", "editions:read"))
PAGE_FIELDS = ("meta_tags", "downloads")  # of a paper that only its page needs
FormatName = Literal["bibtex", "ris", "csl-json"]
EncodingName = Annotated[Literal["unicode", "tex"], Query(description="of BibTeX")]
Identifiers = Annotated[
    str, Query(max_length=8000, description="arXiv ids, DOIs or numbers of this service, with commas between")
]
MAX_FOUND = 100  # papers on a page of a search
LibraryToken = Annotated[str, Query(max_length=40, description="papers to start from: `library` of POST /library")]
Limit = Annotated[int, Query(ge=1, le=500)]
Before = Annotated[int | None, Query(ge=1, le=2**31, description="only ids below this one: the next page")]


@router.post("/subscriptions", status_code=202)
async def subscriptions(
    body: Subscription, caller: WriteSubscriptions, queue: Queue, library: LibraryToken = ""
) -> dict[str, str]:
    """Sign up. The answer is the same for every address; the confirmation comes by e-mail."""

    def sign_up() -> None:
        examples = pending_papers(library).examples
        subscribe(body, caller.name, queue, client_limit=caller.sign_ups, examples=examples)

    await run_in_time_steps(sign_up)
    return {"status": "accepted", "next": "confirm by the link in the e-mail"}


@router.post("/preview", dependencies=[READ_PAPERS])
def preview(body: PreviewRequest, make_preview: LimitedPreview) -> dict[str, Any]:
    """Show what these preferences would have selected, day by day, without subscribing.

    `announcements_left_out`: how many older ones have too many papers to match at once.
    """
    return as_json(make_preview(body.profile(), days=body.days, limit=body.limit))


def as_json(result: Preview) -> dict[str, Any]:
    """A preview as JSON."""
    return {
        "days": [
            {
                "date": day.date.isoformat(),
                "total": day.total,
                "papers": [
                    asdict(paper) | {"matched": [{"topic": topic, "words": words} for topic, words in paper.matched]}
                    for paper in day.papers
                ],
            }
            for day in result.days
        ],
        "announcements_left_out": result.left_out,
    }


@router.get("/papers", dependencies=[READ_PAPERS])
def papers(
    services: Services,
    pages: Pages,
    slot: SearchSlot,
    search: Annotated[PaperQuery, Query()],
    category: str | None = None,
    limit: Limit = 50,
) -> Response:
    """Papers that are trending now, in all fields or in one category; with `q` those that a query finds.

    A search has at most 100 papers a page and a `cursor` for the next one, null on the last.
    """
    if search.q:
        with slot():
            found = paper_search.search(search.request(category, min(limit, MAX_FOUND)))
        return JSONResponse(search_answers.search_as_json(found))
    if category is not None and not (len(category) <= 20 and CATEGORY.fullmatch(category)):
        raise NotFound("category: use one of arXiv's, such as cs.LG")

    def make() -> CachedPage:
        rows = [asdict(row) for row in services.trending(category, limit)]
        return CachedPage(json.dumps({"papers": rows}, ensure_ascii=False, separators=(",", ":"), default=str).encode())

    return Response(pages.get(("api: papers", category, limit), make).content, media_type="application/json")


@router.get("/citations", dependencies=[READ_PAPERS])
def citations(ids: Identifiers, format: FormatName = "bibtex", encoding: EncodingName = "unicode") -> Response:  # noqa: A002
    """Export papers as BibTeX, RIS or CSL-JSON. Identifiers of papers that are not stored here are refused."""
    identified = paper_lookup.find_papers(paper_lookup.split_identifiers(ids))
    if identified.unknown or not identified.paper_ids:
        raise NotFound(f"ids: not stored here: {', '.join(identified.unknown)[:300]}")
    return _citations(identified.paper_ids, format, encoding, "papers")


@router.get("/editions/{edition_id}/citations", dependencies=[EDITIONS])
def edition_citations(edition_id: int, format: FormatName = "bibtex", encoding: EncodingName = "unicode") -> Response:  # noqa: A002
    """Export the papers of an edition as BibTeX, RIS or CSL-JSON."""
    if not 0 < edition_id < 2**31:
        raise NotFound("this edition no longer exists")
    return _citations(web_view.edition_papers(edition_id), format, encoding, f"edition-{edition_id}")


@router.get("/likes/{token}/citations", dependencies=[READ_PAPERS])
def liked_citations(token: str, format: FormatName = "bibtex", encoding: EncodingName = "unicode") -> Response:  # noqa: A002
    """Export the papers that a subscriber likes. `token`: the last part of the subscriber's preferences link."""
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    return _citations(topic_feedback.liked_papers(subscriber_id), format, encoding, "liked-papers")


def _citations(paper_ids: Sequence[int], name: str, encoding: str, file_name: str) -> Response:
    file_format, tex = paper_exports.citation_format(name), paper_exports.is_tex(encoding)
    file = paper_exports.export_papers(paper_ids, file_format, tex=tex, name=file_name)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return Response(file.content, media_type=file.media_type, headers=headers)


@router.get("/papers/{paper_id}", dependencies=[READ_PAPERS])
def paper(paper_id: int, services: Services) -> dict[str, Any]:
    """One paper."""
    if not 0 < paper_id < 2**31:
        raise NotFound("there is no such paper here")
    return {name: value for name, value in asdict(services.paper(paper_id)).items() if name not in PAGE_FIELDS}


@router.get("/runs", dependencies=[RUNS])
def runs(limit: Limit = 50, before: Before = None) -> dict[str, Any]:
    """Runs, newest first, each with the number of its e-mails by state."""
    return {"runs": dashboard.runs(before=before, limit=limit)}


@router.get("/deliveries")
def deliveries(
    token: ReadDeliveries,
    state: Annotated[str | None, Query(max_length=10)] = None,
    kind: Annotated[str | None, Query(max_length=12)] = None,
    run: Before = None,
    limit: Limit = 50,
    before: Before = None,
) -> dict[str, Any]:
    """E-mails, newest first; with their addresses only for tokens with the scope `addresses:read`."""
    rows = dashboard.deliveries(
        state=state, kind=kind, run_id=run, before=before, limit=limit, addresses=token.allows("addresses:read")
    )
    return {"deliveries": rows}


@router.get("/editions", dependencies=[EDITIONS])
def editions(run: Before = None, limit: Limit = 50, before: Before = None) -> dict[str, Any]:
    """Editions, newest first."""
    return {"editions": dashboard.editions(run_id=run, before=before, limit=limit)}
