"""Who calls the API: a bearer token with the scope that the route asks for, or, on public routes, just a client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from digest.i18n import localize
from digest.services.security import api_tokens, rate_limits
from digest.services.security.api_tokens import ApiToken
from digest.web.http.client_ip import Client

bearer = HTTPBearer(auto_error=False, description="made by `digest admin token create`")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is counted for the request: a token by its name, else the client's address."""

    name: str
    sign_ups: rate_limits.RateLimit


def _checked(request: Request, credentials: HTTPAuthorizationCredentials | None, scope: str) -> ApiToken | None:
    """The token that came along; None without any. Raises HTTPException 401 for a bad one, 403 without the scope."""
    if credentials is None:
        if "authorization" in request.headers:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        return None
    token = api_tokens.check(credentials.credentials)
    if token is None:
        raise HTTPException(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    if not token.may(scope):
        challenge = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
        message = localize("this token lacks the scope %(scope)s", scope=scope)
        raise HTTPException(403, detail=message, headers=challenge)
    return token


def require(scope: str) -> Callable[..., ApiToken]:
    """A dependency: a token with this scope must come along."""

    def dependency(request: Request, credentials: Credentials) -> ApiToken:
        token = _checked(request, credentials, scope)
        if token is None:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        request.app.state.api_limiter.take(f"token {token.name}")
        return token

    return dependency


def public(scope: str) -> Callable[..., Caller]:
    """A dependency: no token is needed; one that comes along must have this scope, and is counted itself."""

    def dependency(request: Request, credentials: Credentials, client: Client) -> Caller:
        token = _checked(request, credentials, scope)
        caller = (
            Caller(client, rate_limits.SIGN_UPS)
            if token is None
            else Caller(f"token {token.name}", rate_limits.SIGN_UPS_BY_TOKEN)
        )
        request.app.state.api_limiter.take(caller.name)
        return caller

    return dependency
