"""The OpenAPI description of the API: FastAPI's, completed by every problem and header."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from digest.web.http.problems import MEDIA_TYPE, FieldError, Problem

DESCRIPTION = """\
Errors are problem details (RFC 9457). Listings have a page's `next` address in the body and in the `Link` header.
Requests that create or send something accept an `Idempotency-Key`. `RateLimit` tells what is left of each limit.
Times are in UTC.
"""
Schema = dict[str, Any]

_ALWAYS = (400, 408, 413, 429, 431, 500, 503)
_WITH_TOKEN, _WITH_PATH, _WITH_INPUT, _WITH_BODY = (401, 403), (404, 405), (404, 422), (415, 422)
_WITH_CHANGE = (404, 409, 422)
_MEANINGS = {
    400: "The request, its token in the address or its cursor can’t be read",
    401: "A valid bearer token or signature is needed",
    403: "The token lacks the scope",
    404: "There is no such thing, or this is not set up here",
    405: "With this value the address is another one, which does not accept the method",
    408: "The request did not arrive in time",
    409: "Not possible in the current state, or a request with the same Idempotency-Key has no answer",
    410: "The token in the address is out of date",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "A field is wrong; `errors` names each",
    429: "Too many requests",
    431: "The headers are too large",
    500: "The error is on our side and was logged",
    503: "Temporarily unavailable",
}
_TEXT_HEADER: Schema = {"schema": {"type": "string"}}
_RATE_LIMIT_HEADERS = {
    "RateLimit": {
        **_TEXT_HEADER,
        "description": 'what is left of each limit, and the seconds until it resets, such as `"api";r=119;t=60`',
    },
    "RateLimit-Policy": {
        **_TEXT_HEADER,
        "description": 'each limit: requests in a window of seconds, such as `"api";q=120;w=60`',
    },
}
_HEADERS_OF_STATUS: dict[int, Schema] = {
    401: {"WWW-Authenticate": _TEXT_HEADER},
    403: {"WWW-Authenticate": _TEXT_HEADER},
    429: {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "seconds to wait"}},
}


def install_schema(app: FastAPI) -> None:
    """Have the application describe itself completely, from the first request for the description on."""

    def describe() -> Schema:
        if app.openapi_schema is None:
            complete_schema(FastAPI.openapi(app))
        return FastAPI.openapi(app)

    app.openapi = describe  # type: ignore[method-assign]


def complete_schema(schema: Schema) -> None:
    """Add what FastAPI does not know: the problems that each operation can answer with, and headers."""
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    template = "#/components/schemas/{model}"
    for model in (FieldError, Problem):
        schemas[model.__name__] = model.model_json_schema(ref_template=template)
        schemas[model.__name__].pop("$defs", None)
    components["responses"] = {f"Problem{status}": _problem_response(status) for status in _MEANINGS}
    components["headers"] = _RATE_LIMIT_HEADERS
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _complete_operation(path, method, operation)


def _complete_operation(path: str, method: str, operation: Schema) -> None:
    responses = operation["responses"]
    for status, response in responses.items():
        if status.startswith("2"):
            response.setdefault("headers", {}).update(_rate_limit_references())
            if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", ())):
                response["headers"]["Link"] = {**_TEXT_HEADER, "description": "the next page, `rel=next`"}
    for status in _possible_problems(path, method, operation):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _possible_problems(path: str, method: str, operation: Schema) -> list[int]:
    """The statuses of the problems that an operation can answer with."""
    statuses = {*_ALWAYS, *(() if method == "get" else _WITH_CHANGE)}
    statuses |= set(_WITH_TOKEN) if operation.get("security") else {401}
    statuses |= set(_WITH_PATH) if "{" in path else set()
    statuses |= {410} if "{token}" in path else set()
    statuses |= set(_WITH_INPUT) if operation.get("parameters") else set()
    statuses |= set(_WITH_BODY) if "requestBody" in operation else set()
    return sorted(statuses)


def _problem_response(status: int) -> Schema:
    example = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": _MEANINGS[status]}
    if status == 422:
        example |= {"detail": "limit: use 100 or less", "errors": [{"field": "limit", "detail": "use 100 or less"}]}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    headers = _rate_limit_references() | _HEADERS_OF_STATUS.get(status, {})
    return {"description": _MEANINGS[status], "content": content, "headers": headers}


def _rate_limit_references() -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _RATE_LIMIT_HEADERS}
