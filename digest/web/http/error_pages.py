"""Errors as answers: a calm page for people, a line of JSON for programs, and the status that belongs to it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from digest.errors import N_, BadInput, BadToken, DigestError, NotFound, Refused, StaleToken, TooMany, Transient
from digest.i18n import say
from digest.services.subscriptions.validation_messages import plain_message
from digest.web.ui import template_rendering

TITLES = {
    400: N_("This request can’t be read"),
    401: N_("Not without a token"),
    403: N_("Not from there"),
    404: N_("Nothing here"),
    405: N_("Not that way"),
    408: N_("That took too long"),
    409: N_("That can’t be done"),
    410: N_("This link is out of date"),
    413: N_("That is too much at once"),
    422: N_("One thing needs mending"),
    429: N_("A little slower"),
    431: N_("That is too much at once"),
    500: N_("Something broke here"),
    503: N_("Not just now"),
}
STATUS: tuple[tuple[type[DigestError], int], ...] = (
    (StaleToken, 410),
    (BadToken, 400),
    (BadInput, 422),
    (NotFound, 404),
    (Refused, 409),
    (TooMany, 429),
    (Transient, 503),
)


def home() -> tuple[str, str]:
    """Where to go when there is nothing else here: words and address."""
    return say("To the start page"), "/"


def status_of(error: DigestError) -> int:
    """The HTTP status of one of our errors."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def answer(scope: Scope, status: int, text: str, *, field: str | None = None) -> Response:
    """The error as JSON under /api/, as a page elsewhere. Never kept by caches."""
    headers = {"Cache-Control": "no-store"}
    if str(scope["path"]).startswith("/api/"):
        body = {"error": {"message": text, "field": field}}
        return JSONResponse(body, status_code=status, headers=headers)
    line = f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."
    made = template_rendering.message(
        say(TITLES.get(status, HTTPStatus(status).phrase)), line, status=status, further=home()
    )
    made.headers.update(headers)
    return made


def refused_body(scope: Scope, status: int) -> Response:
    """The answer to a body that is too large (413) or too slow (408), or a head that is too large (431) or broken."""
    texts = {
        400: say("its form is broken"),
        408: say("the rest of the request did not come in time; send it again"),
        413: say("a request may have 64 KB at most"),
        431: say("its address and headers may have 16 KB together"),
    }
    return answer(scope, status, texts[status])


async def _ours(request: Request, error: Exception) -> Response:
    status, text = 500, say("the service is not set up completely; its log says more")
    if isinstance(error, DigestError) and status_of(error) != 500:
        status, text = status_of(error), error.said(say)
    field = error.field if isinstance(error, BadInput) else None
    if status == 500:
        structlog.get_logger("web").error("misconfigured", reason=str(error))
    made = answer(request.scope, status, text, field=field)
    if isinstance(error, TooMany):
        made.headers["Retry-After"] = str(error.seconds)
    return made


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    texts = {
        400: say("its form is broken"),
        401: say("this needs a bearer token; an administrator makes one with `digest admin token create`"),
        404: say("there is no page at this address; the link may be cut"),
        405: say("this address does not answer to that method"),
    }
    phrase = HTTPStatus(status).phrase
    said = error.detail if isinstance(error, HTTPException) and error.detail != phrase else ""
    made = answer(request.scope, status, said or texts.get(status, phrase))
    made.headers.update(getattr(error, "headers", None) or {})
    return made


async def _invalid(request: Request, error: Exception) -> Response:
    """What FastAPI itself refused: a wrong path is no page; a wrong field is named."""
    if not isinstance(error, RequestValidationError):
        raise error
    first: dict[str, Any] = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if where[:1] == ["path"]:
        return answer(request.scope, 404, say("there is no page at this address; the link may be cut"))
    field = ".".join(where[1:]) or "body"
    return answer(request.scope, 422, f"{field}: {plain_message(first)}", field=field)


async def _broken(request: Request, error: Exception) -> Response:
    structlog.get_logger("web").error("request failed", path=request.url.path.split("/")[1], exc_info=error)
    return answer(request.scope, 500, say("the fault is on this side and was noted; try again in a while"))


def install(app: FastAPI) -> None:
    """Give the app these answers."""
    app.add_exception_handler(DigestError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _broken)
