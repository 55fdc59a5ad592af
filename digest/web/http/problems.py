"""Errors of the API as problem details (RFC 9457), with the wrong fields named.

`type` is `about:blank`: the HTTP status says what kind of problem it is (RFC 9457, 4.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
API_PREFIX = "/api/"


class FieldError(BaseModel):
    """A wrong field. `field`: its name in the body or the query; a position in a list follows after a dot."""

    field: str = Field(examples=["limit"])
    detail: str = Field(examples=["use 100 or less"])


class Problem(BaseModel):
    """An error. `errors` names every wrong field; it is absent where the request as a whole is refused."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(description="the meaning of the status", examples=["Unprocessable Content"])
    status: int = Field(ge=400, le=599, examples=[422])
    detail: str = Field(description="what is wrong, as a line for a person", examples=["limit: use 100 or less"])
    errors: list[FieldError] | None = None


class ProblemResponse(JSONResponse):
    """A problem as a response."""

    media_type = MEDIA_TYPE


def problem_response(
    status: int, detail: str, *, errors: Sequence[FieldError] = (), headers: dict[str, str] | None = None
) -> ProblemResponse:
    """The response for a problem."""
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors) or None)
    content: dict[str, Any] = problem.model_dump(exclude_none=True)
    return ProblemResponse(content, status_code=status, headers=headers)


def is_api_path(path: str) -> bool:
    """True where errors are problem details, not pages."""
    return path.startswith(API_PREFIX)
