"""The API against its own description: generated requests get no 5xx and no answer that OpenAPI does not name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from digest.services.security import api_tokens
from digest.web.http.request_rates import RequestLimiter
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber
from tests.digest.web.conftest import Browser
from tests.digest.web.live import serving

load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
FEW, MANY = 2, 150  # requests of each operation and mode: of a test run, and of a soak
EXISTING_IDS = 3
LIMITERS = ("api_limiter", "preview_limiter", "search_limiter", "webhook_limiter")


@pytest.fixture
def server(web: Browser) -> Iterator[str]:
    """The address of the application, with a few rows of each kind, and without limits."""
    run = add_run()
    for number in range(EXISTING_IDS):
        add_mail(add_subscriber(f"r{number}@one.example"), run)
    for name in LIMITERS:
        setattr(web.app.state, name, RequestLimiter(1_000_000))
    with serving(web.app) as (host, port):
        yield f"http://{host}:{port}"


def check_operations(web: Browser, server: str, examples: int) -> int:
    """Send generated requests, valid and not, for each operation. Returns how many."""
    token = api_tokens.create_token("generator", ["admin"], expires_at=None)
    headers = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_dict(web.app.openapi())
    schema.config.base_url = server
    sent, failures = 0, []
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in GenerationMode:
            try:
                sent += send_generated(operation.as_strategy(generation_mode=mode), server, headers, examples)
            except FailureGroup as group:
                failures += [f"{operation.label}: {failure}" for failure in group.exceptions]
    assert failures == [], "\n\n".join(failures)
    return sent


def send_generated(strategy: Any, server: str, headers: dict[str, str], examples: int) -> int:
    sent = 0

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=strategy, row_id=st.integers(0, EXISTING_IDS))
    def send(case: Case, row_id: int) -> None:
        nonlocal sent
        for name in case.path_parameters or {}:
            if name.endswith("_id") and row_id:  # an id that exists, three times of four
                case.path_parameters[name] = row_id
        case.headers.pop("Authorization", None)
        response = case.call(base_url=server, headers=headers)
        case.validate_response(response, checks=CHECKED)
        sent += 1

    send()
    return sent


@MAINLY_SQLITE
def test_no_generated_request_gets_a_server_error_or_an_undocumented_answer(web: Browser, server: str) -> None:
    operations = sum(len(methods) for methods in web.app.openapi()["paths"].values())

    assert check_operations(web, server, FEW) >= operations * FEW


@pytest.mark.soak
def test_thousands_of_generated_requests_get_documented_answers(web: Browser, server: str) -> None:
    assert check_operations(web, server, MANY) > 10_000
