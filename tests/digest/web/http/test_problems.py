"""Every error under /api is a problem (RFC 9457); elsewhere it is a page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from digest.db.core.engine import reading
from digest.errors import Transient
from digest.services.security import api_tokens
from digest.web.http.request_rates import RequestLimiter
from tests.digest.web.conftest import ADA, Browser

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
JSON = {"content-type": "application/json"}


def failing(web: Browser, error: Exception) -> httpx.Response:
    def fail(_paper_id: int) -> None:
        raise error

    web.app.state.services = replace(web.app.state.services, paper=fail)
    return web.get("/api/v1/papers/1")


def beyond_the_limit(web: Browser) -> httpx.Response:
    web.app.state.api_limiter = RequestLimiter(max_requests=0, message="too many")
    return web.get("/api/v1/papers")


def without_the_scope(web: Browser) -> httpx.Response:
    token = api_tokens.create_token("x", ["runs:read"], expires_at=None)
    return web.get("/api/v1/editions", headers={"authorization": f"Bearer {token}"})


PROBLEMS: dict[int, Callable[[Browser], httpx.Response]] = {
    400: lambda web: web.get("/api/v1/likes/x/citations"),
    401: lambda web: web.get("/api/v1/runs"),
    403: without_the_scope,
    404: lambda web: web.get("/api/v1/nothing"),
    405: lambda web: web.ask("PUT", "/api/v1/papers"),
    413: lambda web: web.post("/api/v1/preview", content=b"x" * (64 * 1024 + 1), headers=JSON),
    415: lambda web: web.post("/api/v1/preview", content=b"topics=graphs"),
    422: lambda web: web.post("/api/v1/subscriptions", json={"address": ADA, "limit": 0}),
    429: beyond_the_limit,
    431: lambda web: web.get("/api/v1/papers", headers={"x-long": "x" * 17_000}),
    500: lambda web: failing(web, RuntimeError("a fault")),
    503: lambda web: failing(web, Transient("try again")),
}


@pytest.mark.parametrize("status", PROBLEMS)
@SQLITE
def test_each_error_of_the_api_is_a_problem(web: Browser, status: int) -> None:
    response = PROBLEMS[status](web)
    problem = response.json()

    assert response.status_code == problem["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    assert "a fault" not in response.text


@SQLITE
def test_a_database_that_fails_for_a_while_is_temporary(web: Browser) -> None:
    full_disk = sqlite3.OperationalError("database or disk is full")
    response = failing(web, OperationalError("INSERT", None, full_disk))

    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert "disk" not in response.text


@SQLITE
def test_a_wrong_statement_is_a_fault_and_not_temporary(web: Browser) -> None:
    with pytest.raises(OperationalError) as wrong, reading() as session:
        session.execute(text("SELECT missing_column FROM paper"))

    assert failing(web, wrong.value).status_code == 500


@SQLITE
def test_the_methods_of_an_address_are_named(web: Browser) -> None:
    assert web.ask("PUT", "/api/v1/papers").headers["allow"] == "GET"


@SQLITE
def test_a_refused_request_names_what_is_left_and_when_to_come_again(web: Browser) -> None:
    web.app.state.api_limiter = RequestLimiter(max_requests=1, message="too many")
    first, second = web.get("/api/v1/papers"), web.get("/api/v1/papers")

    assert first.headers["ratelimit-policy"] == second.headers["ratelimit-policy"] == '"api";q=1;w=60'
    assert (first.headers["ratelimit"], second.headers["ratelimit"]) == ('"api";r=0;t=60', '"api";r=0;t=60')
    assert second.headers["retry-after"] == "60"


@SQLITE
def test_each_limit_that_counts_a_request_is_named(web: Browser) -> None:
    response = web.post("/api/v1/preview", json={"topics": ["graphs"]})

    assert response.headers["ratelimit"] == '"api";r=119;t=60, "preview";r=29;t=60'
    assert "ratelimit" not in web.get("/").headers
