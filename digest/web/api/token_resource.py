"""Tokens by the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from digest import clock
from digest.services.security import api_tokens
from digest.services.security.api_tokens import ADMIN, ApiToken
from digest.web.http import api_auth
from digest.web.http.api_route import ApiRoute, IdempotentRoute

router = APIRouter(route_class=ApiRoute, tags=["tokens"])
actions = APIRouter(route_class=IdempotentRoute, tags=["tokens"])

ADMIN_ONLY = Depends(api_auth.require_token(ADMIN))
AdminToken = Annotated[ApiToken, Depends(api_auth.require_token(ADMIN))]
TokenName = Annotated[str, Path(max_length=60)]


def _check_scope(name: str) -> str:
    if name not in api_tokens.SCOPES:
        raise PydanticCustomError("unknown_scope", "there is no such scope")
    return name


ScopeName = Annotated[str, AfterValidator(_check_scope), Field(json_schema_extra={"enum": list(api_tokens.SCOPES)})]


class TokenAnswer(BaseModel):
    """A token without the token itself, of which only the hash is stored."""

    name: str = Field(examples=["monitor"])
    scopes: list[str] = Field(examples=[["runs:read"]])
    state: str = Field(examples=["active"], description="active, expired or revoked")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> TokenAnswer:
        """The answer for a token as `list_tokens` describes it."""
        return cls(**{**description, "scopes": str(description["scopes"]).split()})


class TokenList(BaseModel):
    """All tokens, oldest first."""

    tokens: list[TokenAnswer]


class NewToken(TokenAnswer):
    """A new token. `token` is shown this once."""

    token: str


class TokenRequest(BaseModel):
    """A token to create. `expires`: a number of days such as 90d, a date, or never."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "monitor", "scopes": ["runs:read"], "expires": "90d"}]},
    )

    name: str = Field(min_length=1, max_length=60)
    scopes: list[ScopeName] = Field(min_length=1, max_length=40)
    expires: str = Field(default="365d", max_length=20)


@router.get("/tokens", dependencies=[ADMIN_ONLY])
def list_tokens() -> TokenList:
    """The tokens, also revoked ones, oldest first."""
    return TokenList(tokens=[TokenAnswer.from_description(description) for description in api_tokens.list_tokens()])


@router.get("/tokens/{name}", dependencies=[ADMIN_ONLY])
def read_token(name: TokenName) -> TokenAnswer:
    """A token."""
    return TokenAnswer.from_description(api_tokens.describe_token(name))


@actions.post("/tokens", status_code=201)
def create_token(body: TokenRequest, creator: AdminToken, response: Response) -> NewToken:
    """Create a token. The answer is the only place where it is shown."""
    expires_at = api_tokens.parse_expiry(body.expires, now=clock.now())
    token = api_tokens.create_token(body.name, body.scopes, expires_at=expires_at, actor=creator.actor)
    response.headers["Location"] = f"/api/v1/tokens/{quote(body.name)}"
    response.headers["Cache-Control"] = "no-store"
    return NewToken(**TokenAnswer.from_description(api_tokens.describe_token(body.name)).model_dump(), token=token)


@router.delete("/tokens/{name}", status_code=204, response_class=Response)
def revoke_token(name: TokenName, revoker: AdminToken) -> None:
    """Revoke a token at once. May be repeated."""
    api_tokens.revoke_token(name, actor=revoker.actor)
