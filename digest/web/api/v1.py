"""The API under /api/v1: the same use cases as the pages, as JSON. The administrator's parts ask for a token."""

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
from digest.services.subscriptions.preference_fields import SignUpPreferences, Subscription
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.services.subscriptions.sign_up import subscribe
from digest.web.http import api_auth
from digest.web.http.api_auth import Caller
from digest.web.http.constant_time import in_steps
from digest.web.http.dependencies import Queue, Services
from digest.web.http.preview_limits import LimitedPreview
from digest.web.ui.page_cache import CachedPage, Pages

router = APIRouter(prefix="/api/v1")


class PreviewRequest(SignUpPreferences):
    """What to try. `days`: so many announcements back; `limit`: papers of each at most."""

    days: int = Field(default=14, ge=1, le=60)


READ_PAPERS = Depends(api_auth.public("papers:read"))
WriteSubscriptions = Annotated[Caller, Depends(api_auth.public("subscriptions:write"))]
ReadDeliveries = Annotated[ApiToken, Depends(api_auth.require("deliveries:read"))]
RUNS, EDITIONS = (Depends(api_auth.require(scope)) for scope in ("runs:read", "editions:read"))
Limit = Annotated[int, Query(ge=1, le=500)]
Before = Annotated[int | None, Query(ge=1, le=2**31, description="only ids below this one: the next page")]


@router.post("/subscriptions", status_code=202)
async def subscriptions(body: Subscription, caller: WriteSubscriptions, queue: Queue) -> dict[str, str]:
    """Sign up. The answer is the same for every address; the confirmation comes by e-mail."""
    await in_steps(lambda: subscribe(body, caller.name, queue, client_limit=caller.sign_ups))
    return {"status": "accepted", "next": "confirm by the link in the e-mail"}


@router.post("/preview", dependencies=[READ_PAPERS])
def preview(body: PreviewRequest, make_preview: LimitedPreview) -> dict[str, Any]:
    """What these wishes would have brought, day by day, without subscribing."""
    return as_json(make_preview(body.profile(), days=body.days, limit=body.limit))


def as_json(shown: Preview) -> dict[str, Any]:
    """A preview in the form that the command line prints as well."""
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
            for day in shown.days
        ]
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
    """Runs, the newest first, each with its e-mails by state."""
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
    """E-mails, the newest first; to whom they go only for tokens with the scope `addresses:read`."""
    rows = dashboard.deliveries(
        state=state, kind=kind, run_id=run, before=before, limit=limit, addresses=token.may("addresses:read")
    )
    return {"deliveries": rows}


@router.get("/editions", dependencies=[EDITIONS])
def editions(run: Before = None, limit: Limit = 50, before: Before = None) -> dict[str, Any]:
    """Editions, the newest first."""
    return {"editions": dashboard.editions(run_id=run, before=before, limit=limit)}
