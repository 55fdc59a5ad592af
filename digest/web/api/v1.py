"""The API under /api/v1: the use cases of the pages as JSON. The administrative routes need a token."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import Field

from digest.errors import NotFound
from digest.services.admin import dashboard
from digest.services.catalog.page_schemas import Preview
from digest.services.security.api_tokens import ApiToken
from digest.services.subscriptions.pending_imports import pending_papers
from digest.services.subscriptions.preference_fields import SignUpPreferences, Subscription
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.services.subscriptions.sign_up import subscribe
from digest.web.http import api_auth
from digest.web.http.api_auth import Caller
from digest.web.http.constant_time import run_in_time_steps
from digest.web.http.dependencies import Queue, Services
from digest.web.http.preview_limits import LimitedPreview
from digest.web.ui.page_cache import CachedPage, Pages

router = APIRouter(prefix="/api/v1")


class PreviewRequest(SignUpPreferences):
    """A profile to try. `days`: the number of announcements; `limit`: the maximum number of papers of each."""

    days: int = Field(default=14, ge=1, le=60)


READ_PAPERS = Depends(api_auth.allow_public("papers:read"))
WriteSubscriptions = Annotated[Caller, Depends(api_auth.allow_public("subscriptions:write"))]
ReadDeliveries = Annotated[ApiToken, Depends(api_auth.require_token("deliveries:read"))]
RUNS, EDITIONS = (Depends(api_auth.require_token(scope)) for scope in ("runs:read", "editions:read"))
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
def papers(services: Services, pages: Pages, category: str | None = None, limit: Limit = 50) -> Response:
    """Papers that are trending now, in all fields or in one category."""
    if category is not None and not (len(category) <= 20 and CATEGORY.fullmatch(category)):
        raise NotFound("category: use one of arXiv's, such as cs.LG")

    def make() -> CachedPage:
        rows = [asdict(row) for row in services.trending(category, limit)]
        return CachedPage(json.dumps({"papers": rows}, ensure_ascii=False, separators=(",", ":")).encode())

    return Response(pages.get(("api: papers", category, limit), make).content, media_type="application/json")


@router.get("/papers/{paper_id}", dependencies=[READ_PAPERS])
def paper(paper_id: int, services: Services) -> dict[str, Any]:
    """One paper."""
    if not 0 < paper_id < 2**31:
        raise NotFound("there is no such paper here")
    return asdict(services.paper(paper_id))


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
