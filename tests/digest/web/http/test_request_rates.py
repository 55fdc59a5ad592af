"""Previews are limited per client and minute; a refused form keeps its input."""

from __future__ import annotations

import pytest

from digest.errors import TooMany
from digest.web.http import request_rates
from digest.web.http.request_rates import RequestLimiter
from tests.digest.web.conftest import Browser

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_each_client_has_its_own_limit() -> None:
    limiter = RequestLimiter(max_requests=1)
    limiter.take("one")
    limiter.take("another")

    with pytest.raises(TooMany):
        limiter.take("one")


def test_requests_are_accepted_again_a_minute_later() -> None:
    now = [0.0]
    limiter = RequestLimiter(max_requests=2, window=60.0, clock=lambda: now[0])
    limiter.take("one")
    limiter.take("one")
    now[0] = 60.1
    limiter.take("one")
    limiter.take("one")

    with pytest.raises(TooMany):
        limiter.take("one")


def test_only_so_many_clients_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_rates, "MAX_CLIENTS", 2)
    limiter = RequestLimiter(max_requests=1)
    for client in ("one", "two", "three"):
        limiter.take(client)

    limiter.take("one")
    with pytest.raises(TooMany):
        limiter.take("three")


@SQLITE
def test_what_was_typed_stays_when_it_goes_too_fast(web: Browser) -> None:
    web.app.state.preview_limiter = RequestLimiter(max_requests=1, clock=lambda: 0.0)
    web.get("/?topics=graphs")
    responses = [web.get("/?topics=graphs"), web.post("/", data={"topics": "graphs"})]

    assert [response.status_code for response in responses] == [429, 429]
    assert all("graphs</textarea>" in response.text and "wait 60 seconds" in response.text for response in responses)


@SQLITE
def test_the_script_and_the_api_get_the_limit_as_an_error(web: Browser) -> None:
    web.app.state.preview_limiter = RequestLimiter(max_requests=0, clock=lambda: 0.0)
    page, api = web.post("/preview", data={"topics": "graphs"}), web.post("/api/v1/preview", json={"topics": "graphs"})

    assert (page.status_code, api.status_code) == (429, 429)
    assert (
        page.text.strip()
        == '<p class="error" data-field="">The preview is updated at most 30 times a minute; wait 60 seconds.</p>'
    )
    assert api.json()["detail"].startswith("the preview is updated")
    assert api.headers["retry-after"] == "60"


@SQLITE
def test_a_page_without_topics_costs_no_preview(web: Browser) -> None:
    web.app.state.preview_limiter = RequestLimiter(max_requests=0, clock=lambda: 0.0)

    assert web.get("/").status_code == 200
