"""The API under /api/v1: the same use cases as the pages, as JSON. Admin parts ask for a bearer token."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field
from starlette.exceptions import HTTPException

from digest.errors import NotFound
from digest.services import overview, tokens
from digest.services.subscribe import subscribe
from digest.services.views import Preview
from digest.services.wishes import CATEGORY, Subscription, Wishes
from digest.web.client import Client
from digest.web.constant_time import in_steps
from digest.web.given import GivenHere, Queue
from digest.web.pace import Counted

router = APIRouter(prefix="/api/v1")
bearer = HTTPBearer(auto_error=False, description="made by `digest admin token create`")


class PreviewRequest(Wishes):
    """What to try. `days`: so many announcements back; `limit`: papers of each at most."""

    days: int = Field(default=14, ge=1, le=60)


def _admin(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> str:
    """The name of the token that came along; 401 without a good one."""
    name = tokens.check(given.credentials) if given else None
    if name is None:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    return name


ADMIN = (Depends(_admin),)
Limit = Annotated[int, Query(ge=1, le=500)]
Before = Annotated[int | None, Query(ge=1, le=2**31, description="only ids below this one: the next page")]


@router.post("/subscriptions", status_code=202)
async def subscriptions(body: Subscription, client: Client, queue: Queue) -> dict[str, str]:
    """Sign up. The answer is the same for every address; the confirmation comes by e-mail."""
    await in_steps(lambda: subscribe(body, client, queue))
    return {"status": "accepted", "next": "confirm by the link in the e-mail"}


@router.post("/preview")
def preview(body: PreviewRequest, given: GivenHere, counted: Counted) -> dict[str, Any]:
    """What these wishes would have brought, day by day, without subscribing."""
    counted()
    return as_json(given.preview(body.profile(), days=body.days, limit=body.limit))


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


@router.get("/papers")
def papers(given: GivenHere, category: str | None = None, limit: Limit = 50) -> dict[str, Any]:
    """Papers that are trending now, in all fields or in one category."""
    if category is not None and not (len(category) <= 20 and CATEGORY.fullmatch(category)):
        raise NotFound("category: use one of arXiv's, such as cs.LG")
    return {"papers": [asdict(row) for row in given.trending(category, limit)]}


@router.get("/papers/{paper_id}")
def paper(paper_id: int, given: GivenHere) -> dict[str, Any]:
    """One paper."""
    if not 0 < paper_id < 2**31:
        raise NotFound("there is no such paper here")
    return asdict(given.paper(paper_id))


@router.get("/runs", dependencies=ADMIN)
def runs(limit: Limit = 50, before: Before = None) -> dict[str, Any]:
    """Runs, the newest first, each with its e-mails by state."""
    return {"runs": overview.runs(before=before, limit=limit)}


@router.get("/deliveries", dependencies=ADMIN)
def deliveries(
    state: Annotated[str | None, Query(max_length=10)] = None,
    kind: Annotated[str | None, Query(max_length=12)] = None,
    run: Before = None,
    limit: Limit = 50,
    before: Before = None,
) -> dict[str, Any]:
    """E-mails, the newest first."""
    return {"deliveries": overview.deliveries(state=state, kind=kind, run_id=run, before=before, limit=limit)}


@router.get("/editions", dependencies=ADMIN)
def editions(run: Before = None, limit: Limit = 50, before: Before = None) -> dict[str, Any]:
    """Editions, the newest first."""
    return {"editions": overview.editions(run_id=run, before=before, limit=limit)}
