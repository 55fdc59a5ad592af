"""Turn errors into responses: a page for people, problem details for programs, with the matching HTTP status."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from digest.bibliography.import_limits import MAX_BYTES
from digest.db.core.database_failures import is_program_error, problem_and_cure
from digest.errors import (
    N_,
    BadCursor,
    BadInput,
    BadToken,
    DigestError,
    NotFound,
    NotSignedIn,
    Refused,
    StaleToken,
    TooMany,
    Transient,
)
from digest.i18n import localize
from digest.services.subscriptions.validation_messages import plain_message
from digest.web.http.middleware import MAX_BODY_BYTES, MAX_HEAD_BYTES, UPLOAD_PATH
from digest.web.http.problems import FieldError, is_api_path, problem_response
from digest.web.ui import forms, template_rendering

ADMIN_PATH = "/admin"
MAX_FIELD_ERRORS = 50  # named in one answer
SECONDS_TO_RETRY = 300  # after a failure of the database

_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9._~:@-]+)+/?")  # what a redirect may repeat: never the address of another host

TITLES = {
    400: N_("This request can’t be read"),
    401: N_("A token is needed"),
    403: N_("This is not allowed"),
    404: N_("Page not found"),
    405: N_("Method not allowed"),
    408: N_("The request took too long"),
    409: N_("This can’t be done now"),
    410: N_("This link is out of date"),
    413: N_("The request is too large"),
    415: N_("This request can’t be read"),
    422: N_("Please correct one field"),
    429: N_("Too many requests"),
    431: N_("The request is too large"),
    500: N_("Something went wrong"),
    503: N_("Temporarily unavailable"),
}
STATUS_OF_ERROR: tuple[tuple[type[DigestError], int], ...] = (
    (StaleToken, 410),
    (BadToken, 400),
    (BadCursor, 400),
    (BadInput, 422),
    (NotFound, 404),
    (NotSignedIn, 403),
    (Refused, 409),
    (TooMany, 429),
    (Transient, 503),
)


def start_page_link() -> tuple[str, str]:
    """The link to the start page: its text and address."""
    return localize("To the start page"), "/"


def status_of(error: DigestError) -> int:
    """The HTTP status for a DigestError."""
    return next((status for kind, status in STATUS_OF_ERROR if isinstance(error, kind)), 500)


def _way_on(path: str) -> tuple[str, str]:
    """The link of an error page: administrators stay in the administration."""
    if path == ADMIN_PATH or path.startswith(f"{ADMIN_PATH}/"):
        return localize("To the administration"), ADMIN_PATH
    return start_page_link()


def error_response(
    scope: Scope, status: int, text: str, *, title: str = "", errors: Sequence[FieldError] = ()
) -> Response:
    """The error as problem details under /api/, as a page elsewhere. Never cached."""
    headers = {"Cache-Control": "no-store"}
    if is_api_path(scope["path"]):
        return problem_response(status, text, errors=errors, headers=headers)
    line = forms.capitalized(text).rstrip(".") + "."
    response = template_rendering.message_page(
        title or localize(TITLES.get(status, HTTPStatus(status).phrase)),
        line,
        status=status,
        next_link=_way_on(scope["path"]),
    )
    response.headers.update(headers)
    return response


def refuse_body(scope: Scope, status: int) -> Response:
    """The response to a body that is too large (413) or slow (408), or a head that is too large (431) or invalid.

    429: too many files are being uploaded at the same time.
    """
    is_upload = UPLOAD_PATH.fullmatch(scope["path"]) is not None
    texts = {
        400: localize("the form data can’t be read"),
        408: localize("the rest of the request did not come in time; send it again"),
        413: localize("a file may have %(n)s MB at most", n=MAX_BYTES >> 20)
        if is_upload
        else localize("a request may have %(n)s KB at most", n=MAX_BODY_BYTES >> 10),
        429: localize("many files are being read right now; try again in a few seconds"),
        431: localize("its address and headers may have %(n)s KB together", n=MAX_HEAD_BYTES >> 10),
    }
    return error_response(scope, status, texts[status])


async def _digest_error(request: Request, error: Exception) -> Response:
    status, text = 500, localize("the service is not set up completely; see its log")
    if isinstance(error, DigestError) and status_of(error) != 500:
        status, text = status_of(error), error.translated(localize)
    field = error.field if isinstance(error, BadInput) else None
    errors = [FieldError(field=field, detail=text.removeprefix(f"{field}: "))] if field else []
    if status == 500:
        structlog.get_logger("web").error("misconfigured", reason=str(error))
    title = localize("This link can’t be read") if isinstance(error, BadToken) and status == 400 else ""
    response = error_response(request.scope, status, text, title=title, errors=errors)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.seconds)
    return response


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status in {404, 405} and (page := _page_instead(request)):
        return RedirectResponse(page, status_code=303, headers={"Cache-Control": "no-store"})
    texts = {
        400: localize("the form data can’t be read"),
        401: localize("this needs a bearer token; an administrator makes one with `digest admin token create`"),
        404: localize("there is no page at this address; the link may be incomplete"),
        405: localize("this address does not accept that method"),
        415: localize("the body must be JSON, with the header Content-Type: application/json"),
    }
    phrase = HTTPStatus(status).phrase
    detail = error.detail if isinstance(error, HTTPException) and error.detail != phrase else ""
    response = error_response(request.scope, status, detail or texts.get(status, phrase))
    response.headers.update(getattr(error, "headers", None) or {})
    return response


def _page_instead(request: Request) -> str:
    """The page that somebody wants who opens this address, of which there is none; '' if we can't tell.

    Browsers open the address of a form's answer again when a tab is restored: the form stands on the nearest page
    above. A page has no slash at its end, but people type one.
    """
    path = request.scope["path"]
    if request.method != "GET" or is_api_path(path) or not _PLAIN_PATH.fullmatch(path):
        return ""
    if path.endswith("/"):
        page = path.rstrip("/")
        query = f"?{request.url.query}" if request.url.query else ""
        return page + query if _routes_to(request, page) == Match.FULL else ""
    if _routes_to(request, path) != Match.PARTIAL:
        return ""
    above = (path.rsplit("/", number)[0] or "/" for number in range(1, path.count("/") + 1))
    return next((page for page in above if _routes_to(request, page) == Match.FULL), "")


def _routes_to(request: Request, path: str) -> Match:
    """FULL where a GET of this path is answered, PARTIAL where only other methods are."""
    scope = {**request.scope, "path": path, "method": "GET"}
    matches: list[Match] = [route.matches(scope)[0] for route in request.app.routes]
    return max(matches, key=lambda match: match.value)


async def _invalid_request(request: Request, error: Exception) -> Response:
    """A request that FastAPI refused: 404 for a malformed path, else 422 with the names of the fields."""
    if not isinstance(error, RequestValidationError):
        raise error
    details: Sequence[dict[str, Any]] = error.errors()[:MAX_FIELD_ERRORS]
    if any(detail["loc"][0] == "path" for detail in details):
        return error_response(
            request.scope, 404, localize("there is no page at this address; the link may be incomplete")
        )
    errors = [FieldError(field=_field_name(detail), detail=plain_message(detail)) for detail in details]
    return error_response(request.scope, 422, f"{errors[0].field}: {errors[0].detail}", errors=errors)


def _field_name(detail: dict[str, Any]) -> str:
    """The name of the field that an error of pydantic is about; `body` for the body as a whole."""
    location = [str(part) for part in detail["loc"][1:]]
    return "body" if detail["type"] == "json_invalid" else ".".join(location) or "body"


async def _unexpected_error(request: Request, error: Exception) -> Response:
    structlog.get_logger("web").error("request failed", path=request.url.path.split("/")[1], exc_info=error)
    return error_response(request.scope, 500, localize("the error is on our side and was logged; try again later"))


async def _database_failure(request: Request, error: Exception) -> Response:
    """A database that fails for a short time: mail providers and programs may repeat the request (RFC 9110, 15.6.4)."""
    if not isinstance(error, OperationalError | InterfaceError) or is_program_error(error):
        return await _unexpected_error(request, error)
    problem, _cure = problem_and_cure(error)
    structlog.get_logger("web").error("database_failed", path=request.url.path.split("/")[1], reason=problem)
    text = localize("nothing can be stored or looked up right now; try again in a few minutes")
    response = error_response(request.scope, 503, text)
    response.headers["Retry-After"] = str(SECONDS_TO_RETRY)
    return response


def install_error_handlers(app: FastAPI) -> None:
    """Register the error handlers."""
    for database_error in (OperationalError, InterfaceError):
        app.add_exception_handler(database_error, _database_failure)
    app.add_exception_handler(DigestError, _digest_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(Exception, _unexpected_error)
