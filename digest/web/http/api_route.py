"""Routes of the API refuse a body that is not JSON (415), parameters that are not declared (422), and If-Match (412).

A request with an Idempotency-Key has its effect once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security.utils import get_authorization_scheme_param
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from digest.errors import BadInput, DigestError, MailUncertain
from digest.i18n import localize
from digest.services.security import api_tokens, idempotency
from digest.services.security.idempotency import KeyedRequest, StoredAnswer
from digest.web.http.client_ip import client_of_request
from digest.web.http.request_rates import count_request

KEY_HEADER, REPLAYED_HEADER = "Idempotency-Key", "Idempotency-Replayed"
STORED_HEADERS = ("content-type", "location", "cache-control")
JSON_TYPE = "application/json"

KEY_PARAMETER = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": "A new text for each request, such as a UUID. Sent again within a day with the same key, the "
    f"request has no second effect and gets the same answer, with `{REPLAYED_HEADER}: true`; another request "
    "with it gets 422.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Accepted(BaseModel):
    """The request was accepted, and is carried out soon."""

    status: str = Field(default="accepted", examples=["accepted"])
    next: str = Field(examples=["confirm by the link in the e-mail"])


class ApiRoute(APIRoute):
    """A route of the API. A body that is not declared as JSON is refused with 415, where the route takes JSON.

    `accepts_nul`: the route itself removes NUL characters from the texts of its body.
    `accepts_any_query`: callers may add parameters of their own to its address.
    """

    accepts_nul = False
    accepts_any_query = False

    def get_route_handler(self) -> Handler:
        """The handler of the route, behind the checks."""
        handler = super().get_route_handler()
        has_body = self.body_field is not None
        parameters = None if self.accepts_any_query else frozenset(_query_parameters(self.dependant))

        async def handle(request: Request) -> Response:
            if parameters is not None:
                _require_declared(request, parameters)
            _require_no_condition(request)
            if has_body and not _is_json(request):
                raise HTTPException(415, headers={"Accept": JSON_TYPE})
            if has_body and not self.accepts_nul:
                _require_no_nul(await request.body())
            return await self.answer(request, handler)

        return handle

    async def answer(self, request: Request, handler: Handler) -> Response:
        """The response of the handler."""
        return await handler(request)


class IdempotentRoute(ApiRoute):
    """A route that creates or sends something: with an `Idempotency-Key` it does so once, and answers alike again.

    Only answers below 400 are stored. A request that was refused did nothing and may be sent again with its key; after
    an unexpected error nobody knows, so the key is refused until it expires.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        extra: dict[str, Any] = kwargs.pop("openapi_extra", None) or {}
        parameters = [*extra.get("parameters", ()), KEY_PARAMETER]
        super().__init__(*args, openapi_extra={**extra, "parameters": parameters}, **kwargs)

    async def answer(self, request: Request, handler: Handler) -> Response:
        """The stored response to the same request, else that of the handler."""
        key = request.headers.get(KEY_HEADER)
        caller = None if key is None else await _caller(request)
        if key is None or caller is None:
            return await handler(request)
        if request.app.state.api_limiter.quota(caller).remaining == 0:
            return await handler(request)  # refuses it, without a write to the database
        keyed = KeyedRequest(caller, idempotency.check_key(key), await _content(request))
        started_at, stored_answer = await run_in_threadpool(idempotency.begin_request, keyed)
        if stored_answer is not None:
            count_request(request, "api", request.app.state.api_limiter, caller)
            return Response(
                stored_answer.body, stored_answer.status, {**stored_answer.headers, REPLAYED_HEADER: "true"}
            )
        try:
            response = await handler(request)
        except BaseException as error:
            finish = idempotency.release_key if _had_no_effect(error) else idempotency.mark_failed
            await run_in_threadpool(finish, keyed, started_at)
            raise
        if response.status_code >= 400:
            await run_in_threadpool(idempotency.release_key, keyed, started_at)
            return response
        headers = {name: response.headers[name] for name in STORED_HEADERS if name in response.headers}
        answer = StoredAnswer(response.status_code, headers, bytes(response.body))
        await run_in_threadpool(idempotency.store_answer, keyed, started_at, answer)
        return response


def _had_no_effect(error: BaseException) -> bool:
    """True for errors by which a request is refused; any other may have come after the effect."""
    return isinstance(error, DigestError | HTTPException | RequestValidationError) and not isinstance(
        error, MailUncertain
    )


def _query_parameters(dependant: Dependant) -> Iterator[str]:
    """The names of the parameters that a route and its dependencies read from the query string."""
    for parameter in dependant.query_params:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (field.alias or name for name, field in model.model_fields.items())
        else:
            yield parameter.alias
    for dependency in dependant.dependencies:
        yield from _query_parameters(dependency)


def _require_declared(request: Request, parameters: frozenset[str]) -> None:
    """Raises RequestValidationError for other parameters: a filter with a typing error must not list everything."""
    unknown = [name for name in request.query_params if name not in parameters]
    if unknown:
        errors = [{"type": "extra_forbidden", "loc": ("query", name[:100]), "msg": ""} for name in unknown]
        raise RequestValidationError(errors)


def _require_no_condition(request: Request) -> None:
    """Raises 412 for a change with If-Match, which no resource here meets: none has an ETag (RFC 9110, 13.1.1)."""
    if request.method not in {"GET", "HEAD"} and request.headers.get("if-match", "*").strip() != "*":
        raise HTTPException(412, detail=localize("no resource here has an ETag; send the version in the body instead"))


def _is_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == JSON_TYPE or (media_type.startswith("application/") and media_type.endswith("+json"))


def _require_no_nul(body: bytes) -> None:
    """Raises BadInput for JSON with a NUL character in a text, which PostgreSQL can't store."""
    if b"u0000" not in body:
        return
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return  # the route refuses it
    fields = value if isinstance(value, dict) else {"": value}
    for name, part in fields.items():
        if _has_nul([name, part]):
            field = "" if "\0" in name else name
            raise BadInput(f"{field or 'body'}: holds a NUL character", field=field or None)


def _has_nul(value: object) -> bool:
    """True where a text within a value of JSON has a NUL character."""
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, str) and "\0" in part:
            return True
        if isinstance(part, list):
            parts.extend(part)
        if isinstance(part, dict):
            parts.extend((*part, *part.values()))
    return False


async def _caller(request: Request) -> str | None:
    """The token's name or the client's address; None for credentials that the route itself will refuse."""
    if "authorization" not in request.headers:
        return await client_of_request(request)
    scheme, credentials = get_authorization_scheme_param(request.headers["authorization"])
    if scheme.lower() != "bearer":
        return None
    token = await run_in_threadpool(api_tokens.check_token, credentials)
    return None if token is None else f"token {token.name}"


async def _content(request: Request) -> bytes:
    """Method, address and body: what the same request has in common with its first sending."""
    address = f"{request.method} {request.url.path}?{request.url.query}\n"
    return address.encode() + await request.body()
