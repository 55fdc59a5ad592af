"""Reports of a mail provider: accepted with a valid signature, for a few minutes, and once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from digest import clock, settings
from digest.services.admin import subscriber_admin
from digest.web.api.bounce_webhook import SIGNATURE_SECONDS, sign_body
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, METRICS, Browser, everything

KEY = "a key for the provider"
PATH = "/api/v1/bounces"
HARD = {"id": "p-1", "kind": "hard", "recipient": ADA, "status": "5.1.1"}


@pytest.fixture
def provider(web: Browser, monkeypatch: pytest.MonkeyPatch) -> Callable[..., httpx.Response]:
    """Posts reports, signed now with the key, or as a test says."""
    monkeypatch.setenv("DIGEST_WEBHOOK_KEY", KEY)
    settings.clear_cache()

    def post(*reports: dict[str, Any], key: str = KEY, age: int = 0, signature: str | None = None) -> httpx.Response:
        body = json.dumps({"reports": list(reports)}).encode()
        signed = sign_body(body, key=key, timestamp=int(clock.now().timestamp()) - age)
        headers = {"Content-Type": "application/json", "Digest-Signature": signed if signature is None else signature}
        return web.post(PATH, content=body, headers=headers)

    return post


@MAINLY_SQLITE
def test_a_signed_report_is_acted_on(provider: Callable[..., httpx.Response]) -> None:
    response = provider(HARD)

    assert (response.status_code, response.json()) == (200, {"done": {"suppressed": 1}})
    assert [row[1:3] for row in everything()["suppression"]] == [(ADA, "no such address")]


@MAINLY_SQLITE
def test_a_report_with_nul_characters_is_acted_on(provider: Callable[..., httpx.Response]) -> None:
    words = "550 5.7.1 blocked\0 by our list"
    response = provider(HARD | {"kind": "policy", "status": "5.7.1", "words": words, "message_id": "<a\0b>"})

    assert (response.status_code, response.json()) == (200, {"done": {"domain paused": 1}})


@MAINLY_SQLITE
def test_a_report_sent_twice_counts_once(provider: Callable[..., httpx.Response]) -> None:
    provider(HARD)

    assert provider(HARD).json() == {"done": {"known": 1}}


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "options",
    [
        {"key": "another"},
        {"signature": ""},
        {"signature": "t=1,v1=zz"},
        {"age": SIGNATURE_SECONDS + 1},
        {"age": -SIGNATURE_SECONDS - 1},
        {"signature": "t=" + "9" * 13 + ",v1=" + "0" * 64},
    ],
    ids=["key", "none", "form", "old", "of tomorrow", "far"],
)
def test_without_a_good_signature_nothing_happens(
    provider: Callable[..., httpx.Response], options: dict[str, Any]
) -> None:
    response = provider(HARD, **options)

    assert response.status_code == 401
    assert "signature" in response.json()["detail"].lower()
    assert everything()["suppression"] == []


@MAINLY_SQLITE
def test_a_signature_fits_one_body_alone(provider: Callable[..., httpx.Response]) -> None:
    other = sign_body(b'{"reports": []}', key=KEY, timestamp=int(clock.now().timestamp()))

    assert provider(HARD, signature=other).status_code == 401


@MAINLY_SQLITE
def test_what_was_overheard_is_worthless_later(
    provider: Callable[..., httpx.Response], clock_stands: time_machine.Traveller
) -> None:
    body = json.dumps({"reports": [HARD]}).encode()
    overheard = sign_body(body, key=KEY, timestamp=int(clock.now().timestamp()))
    clock_stands.shift(timedelta(seconds=SIGNATURE_SECONDS + 1))

    assert provider(HARD, signature=overheard).status_code == 401


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("report", "field"),
    [
        (HARD | {"kind": "worse"}, "kind"),
        (HARD | {"status": "bad"}, "status"),
        (HARD | {"more": 1}, "more"),
        ({"id": "p-1"}, "kind"),
        (HARD | {"recipient": "nobody"}, "address"),
    ],
)
def test_a_wrong_field_is_named(provider: Callable[..., httpx.Response], report: dict[str, Any], field: str) -> None:
    response = provider(report)

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].endswith(field)


@MAINLY_SQLITE
def test_one_wrong_report_leaves_the_others_of_its_post_undone(provider: Callable[..., httpx.Response]) -> None:
    """The provider posts them again: each counts once anyway."""
    assert provider(HARD, HARD | {"id": "p-2", "recipient": "nobody"}).status_code == 422
    assert everything()["suppression"] == []


@MAINLY_SQLITE
def test_without_a_key_no_reports_are_taken(web: Browser) -> None:
    response = web.post(PATH, json={"reports": [HARD]})

    assert response.status_code == 404
    assert "DIGEST_WEBHOOK_KEY" in response.json()["detail"]


@MAINLY_SQLITE
def test_the_signature_is_documented(web: Browser) -> None:
    document = web.get("/api/v1/openapi.json").json()
    (header,) = document["paths"][PATH]["post"]["parameters"]

    assert (header["name"], header["in"]) == ("digest-signature", "header")
    assert "HMAC-SHA256" in header["description"]
    assert "ProviderReport" in document["components"]["schemas"]


@MAINLY_SQLITE
def test_the_metrics_of_the_queue_are_reported(web: Browser) -> None:
    subscriber_admin.suppress_address(ADA, reason="asked by phone")
    text = web.get("/metrics", headers=METRICS).text

    for name in ("oldest_due_seconds", "queue_age_seconds", "deliveries_overdue", "deliveries_held", "domains_paused"):
        assert f"digest_{name} 0.0" in text
    assert "digest_addresses_suppressed 1.0" in text
