"""Health: alive, and ready to serve. Anybody may ask; the reasons need a bearer token, as `/metrics` does."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError

from digest import settings
from digest.db.core import disk_space
from digest.services.admin import dashboard
from digest.services.ingestion import source_status
from digest.services.security import api_tokens
from digest.signing import healthcheck_token
from digest.web.http.dependencies import Queue

router = APIRouter(include_in_schema=False)

Authorization = Annotated[str, Header()]

NO_STORE_HEADERS = {"Cache-Control": "no-store"}


def may_see_details(authorization: str, *, check_api_tokens: bool = True) -> bool:
    """True for DIGEST_METRICS_TOKEN, the health check's own token, and an API token with the scope metrics:read."""
    scheme, _, sent_token = authorization.partition(" ")
    sent_token = sent_token.strip()
    if scheme.lower() != "bearer" or not sent_token:
        return False
    config = settings.get()
    accepted = [healthcheck_token(key) for key in config.secret_key] + [config.metrics_token] * bool(
        config.metrics_token
    )
    if any(hmac.compare_digest(sent_token.encode(), token.encode()) for token in accepted):
        return True
    token = api_tokens.check_token(sent_token) if check_api_tokens else None
    return token is not None and token.allows("metrics:read")


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """The process answers. It needs no thread, so it answers even if all threads are busy."""
    return PlainTextResponse("ok\n", headers=NO_STORE_HEADERS)


@router.get("/readyz")
def readyz(request: Request, queue: Queue, authorization: Authorization = "") -> JSONResponse:
    """200 if the database answers and can store something, and a worker makes progress; else 503.

    The details need a token.
    """
    database_error = _database_error()
    problems = {
        "database": database_error,
        "worker": "" if queue.alive() else "no worker answers; start `digest worker`",
    }
    ready = not any(problems.values())
    body: dict[str, object] = {"ready": ready}
    if may_see_details(authorization, check_api_tokens=not database_error):
        body |= {name: problem or "ok" for name, problem in problems.items()}
        body["preview"] = request.app.state.warm_up.state
        # sources do not decide readiness: sign-ups work while a source is down
        body["sources"] = (
            {} if database_error else {status.source: status.state for status in source_status.source_statuses()}
        )
    return JSONResponse(body, status_code=200 if ready else 503, headers=NO_STORE_HEADERS)


def _database_error() -> str:
    """Why pages can't be served; '' if they can. On a full disk reads still work, but no sign-up and no unsubscribe."""
    problem = ""
    try:
        dashboard.service_figures()
    except SQLAlchemyError as error:
        problem = type(error).__name__  # its text could hold the database's address
    return "its disk is full; free space there" if disk_space.is_exhausted() else problem
