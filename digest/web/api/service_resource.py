"""Sources and tokens by the API."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from digest import clock
from digest.errors import NotFound
from digest.i18n import localize
from digest.services.admin import admin_pages
from digest.services.ingestion import source_status
from digest.services.security import api_tokens
from digest.services.security.api_tokens import ADMIN, ApiToken
from digest.web.api.answers import (
    Accepted,
    NewToken,
    RejectAnswer,
    RejectList,
    SourceAnswer,
    SourceList,
    TokenAnswer,
    TokenList,
)
from digest.web.http import api_auth
from digest.web.http.api_route import ApiRoute, IdempotentRoute
from digest.web.http.cursor_pages import PageRequest, page_of

router = APIRouter(route_class=ApiRoute, tags=["service"])
actions = APIRouter(route_class=IdempotentRoute, tags=["service"])

READ_SOURCES, ADMIN_ONLY = (Depends(api_auth.require_token(scope)) for scope in ("sources:read", ADMIN))
ManageSources = Annotated[ApiToken, Depends(api_auth.require_token("sources:manage"))]
AdminToken = Annotated[ApiToken, Depends(api_auth.require_token(ADMIN))]
SourceName = Annotated[str, Path(max_length=60)]
TokenName = Annotated[str, Path(max_length=60)]


def _check_scope(name: str) -> str:
    if name not in api_tokens.SCOPES:
        raise PydanticCustomError("unknown_scope", "there is no such scope")
    return name


ScopeName = Annotated[str, AfterValidator(_check_scope), Field(json_schema_extra={"enum": list(api_tokens.SCOPES)})]


class TokenRequest(BaseModel):
    """A token to create. `expires`: a number of days such as 90d, a date, or never."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "monitor", "scopes": ["runs:read"], "expires": "90d"}]},
    )

    name: str = Field(min_length=1, max_length=60)
    scopes: list[ScopeName] = Field(min_length=1, max_length=40)
    expires: str = Field(default="365d", max_length=20)


@router.get("/sources", dependencies=[READ_SOURCES])
def list_sources() -> SourceList:
    """The sources with their state and next fetch."""
    return SourceList(sources=_sources())


@router.get("/sources/{name}", dependencies=[READ_SOURCES])
def read_source(name: SourceName) -> SourceAnswer:
    """A source."""
    return _source(name)


@router.get("/sources/{name}/rejects", dependencies=[READ_SOURCES])
def list_rejects(name: SourceName, page: Annotated[PageRequest, Depends(page_of("rejects"))]) -> RejectList:
    """Items of a source that could not be used, newest first."""
    _source(name)
    rows = admin_pages.newest_rejects(name, before_id=page.before_id, limit=page.rows_needed)
    shown, next_page = page.finish(rows, lambda pair: pair[0].id)
    rejects = [
        RejectAnswer(at=batch.started_at, **reject.model_dump(include=set(RejectAnswer.model_fields)))
        for reject, batch in shown
    ]
    return RejectList(rejects=rejects, next=next_page)


@actions.post("/sources/{name}/fetch", status_code=202)
def fetch_source(name: SourceName, token: ManageSources) -> Accepted:
    """Have a source fetched within a minute. 409 while the source itself asked for no request."""
    source_status.request_fetch(name, actor=token.actor)
    return Accepted(next="the source is fetched within a minute")


def _source(name: str) -> SourceAnswer:
    found = next((source for source in _sources() if source.source == name), None)
    if found is None:
        raise NotFound(localize("there is no enabled source of that name"))
    return found


def _sources() -> list[SourceAnswer]:
    next_fetches = source_status.next_fetches()
    return [
        SourceAnswer(
            source=status.source,
            state=status.state,
            detail=status.detail,
            complete_through=status.complete_through,
            attempted_at=status.attempted_at,
            next_fetch_at=next_fetches.get(status.source),
        )
        for status in source_status.source_statuses()
    ]


@router.get("/tokens", dependencies=[ADMIN_ONLY])
def list_tokens() -> TokenList:
    """The tokens, also revoked ones, oldest first."""
    return TokenList(tokens=[TokenAnswer.of(description) for description in api_tokens.list_tokens()])


@router.get("/tokens/{name}", dependencies=[ADMIN_ONLY])
def read_token(name: TokenName) -> TokenAnswer:
    """A token."""
    return TokenAnswer.of(api_tokens.describe_token(name))


@actions.post("/tokens", status_code=201)
def create_token(body: TokenRequest, creator: AdminToken, response: Response) -> NewToken:
    """Create a token. The answer is the only place where it is shown."""
    expires_at = api_tokens.parse_expiry(body.expires, now=clock.now())
    token = api_tokens.create_token(body.name, body.scopes, expires_at=expires_at, actor=creator.actor)
    response.headers["Location"] = f"/api/v1/tokens/{quote(body.name)}"
    response.headers["Cache-Control"] = "no-store"
    return NewToken(**TokenAnswer.of(api_tokens.describe_token(body.name)).model_dump(), token=token)


@router.delete("/tokens/{name}", status_code=204, response_class=Response)
def revoke_token(name: TokenName, revoker: AdminToken) -> None:
    """Revoke a token at once. May be repeated."""
    api_tokens.revoke_token(name, actor=revoker.actor)
