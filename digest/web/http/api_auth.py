"""API authentication: a bearer token with the scope that the route requires; public routes also allow none."""

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
from digest.web.http.request_rates import count_request

ADDRESSES = "addresses:read"  # the scope to see addresses, and to search by them
bearer_scheme = HTTPBearer(auto_error=False, description="created with `digest admin token create`")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller for rate limits: the token's name, else the client's address."""

    name: str
    sign_ups: rate_limits.RateLimit
    has_token: bool = False


def _check_credentials(
    request: Request, credentials: HTTPAuthorizationCredentials | None, scope: str
) -> ApiToken | None:
    """The token of the request; None for none. Raises HTTPException 401 for an invalid one, 403 without the scope."""
    if credentials is None:
        if "authorization" in request.headers:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        return None
    token = api_tokens.check_token(credentials.credentials)
    if token is None:
        raise HTTPException(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    _require_scope(token, scope)
    return token


def _require_scope(token: ApiToken, scope: str) -> None:
    if not token.allows(scope):
        challenge = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
        message = localize("this token lacks the scope %(scope)s", scope=scope)
        raise HTTPException(403, detail=message, headers=challenge)


def require_scope(token: ApiToken, scope: str, text: str) -> str:
    """The text of a filter that needs another scope; '' needs none. Raises HTTPException 403."""
    if text:
        _require_scope(token, scope)
    return text.strip()


def require_token(scope: str) -> Callable[..., ApiToken]:
    """A dependency that requires a token with this scope."""

    def dependency(request: Request, credentials: Credentials) -> ApiToken:
        token = _check_credentials(request, credentials, scope)
        if token is None:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        count_request(request, "api", request.app.state.api_limiter, f"token {token.name}")
        return token

    return dependency


def allow_public(scope: str) -> Callable[..., Caller]:
    """A dependency that allows requests without a token. A token must have this scope, and has its own rate limit."""

    def dependency(request: Request, credentials: Credentials, client: Client) -> Caller:
        token = _check_credentials(request, credentials, scope)
        caller = (
            Caller(client, rate_limits.SIGN_UPS)
            if token is None
            else Caller(f"token {token.name}", rate_limits.SIGN_UPS_BY_TOKEN, has_token=True)
        )
        count_request(request, "api", request.app.state.api_limiter, caller.name)
        return caller

    return dependency
