"""Requests with an Idempotency-Key: one effect, the same answer, on both databases."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args

import httpx
import pytest
import time_machine

from digest import settings
from digest.errors import MailUncertain
from digest.models.delivery import FIRST_EDITION_KINDS, RUN_REPORT, URGENT_KINDS
from digest.services.admin import admin_pages
from digest.services.runs import retention
from digest.services.security import api_tokens
from digest.services.subscriptions.sign_up import subscribe as sign_up_service
from digest.web.api import delivery_resource
from digest.web.http.request_rates import RequestLimiter
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, Browser, everything, mails, subscribed
from tests.patience import PATIENCE

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
KEY = {"idempotency-key": "6f1c2a"}


def admin(name: str = "admin") -> dict[str, str]:
    return {"authorization": f"Bearer {api_tokens.create_token(name, ['admin'], expires_at=None)}"}


def sign_up(web: Browser, *, key: dict[Any, Any] = KEY, address: str = ADA) -> httpx.Response:
    return web.post("/api/v1/subscriptions", json={"address": address, "topics": ["graphs"]}, headers=key)


@MAINLY_SQLITE
def test_a_sign_up_sent_twice_with_one_key_mails_once_and_is_answered_alike(
    web: Browser, clock_stands: time_machine.Traveller
) -> None:
    first = sign_up(web)
    clock_stands.shift(timedelta(minutes=2))  # the inbox may have its second mail by now
    second = sign_up(web)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"
    assert len(mails()) == 1


@MAINLY_SQLITE
def test_another_body_with_the_same_key_is_refused(web: Browser) -> None:
    sign_up(web)
    other = sign_up(web, address="bob@digest.example")

    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "Idempotency-Key"
    assert len(mails()) == 1


@MAINLY_SQLITE
def test_another_address_with_the_same_key_is_refused(web: Browser) -> None:
    headers = admin() | KEY
    web.post("/api/v1/suppressions", json={"address": ADA, "reason": "x"}, headers=headers)
    other = web.post("/api/v1/suppressions/release", json={"address": ADA}, headers=headers)

    assert other.status_code == 422
    assert len(everything()["suppression"]) == 1


@MAINLY_SQLITE
def test_the_same_key_of_another_caller_is_another_key(web: Browser) -> None:
    sign_up(web)
    web.host = "198.51.100.9"
    other = sign_up(web, address="bob@digest.example")

    assert other.status_code == 202
    assert len(mails()) == 2


@MAINLY_SQLITE
def test_a_new_token_is_answered_again_but_stored_nowhere_in_clear(web: Browser) -> None:
    headers = admin() | KEY
    request = {"name": "monitor", "scopes": ["runs:read"]}
    answers = [web.post("/api/v1/tokens", json=request, headers=headers) for _ in range(2)]
    token = answers[0].json()["token"]

    assert answers[1].json()["token"] == token
    assert answers[1].headers["location"] == "/api/v1/tokens/monitor"
    assert token not in str(everything())
    assert KEY["idempotency-key"] not in str(everything())


@SQLITE
def test_a_token_that_was_revoked_gets_no_stored_answer(web: Browser) -> None:
    headers = admin("leaver") | KEY
    web.post("/api/v1/suppressions", json={"address": ADA, "reason": "x"}, headers=headers)
    api_tokens.revoke_token("leaver")

    answer = web.post("/api/v1/suppressions", json={"address": ADA, "reason": "x"}, headers=headers)
    assert answer.status_code == 401


@MAINLY_SQLITE
def test_a_request_that_was_refused_may_be_sent_again_with_its_key(web: Browser) -> None:
    subscriber = subscribed(web)
    headers = admin() | KEY
    path = f"/api/v1/subscriptions/{subscriber.id}/pause"
    refused = web.post(path, json={"days": 0}, headers=headers)
    accepted = web.post(path, json={"days": 7}, headers=headers)

    assert (refused.status_code, accepted.status_code) == (422, 200)
    assert accepted.json()["preferences"]["paused_until"] == "2025-11-28"


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "two words", "ä"])
@SQLITE
def test_what_is_no_key_is_refused(web: Browser, key: str) -> None:
    answer = sign_up(web, key={b"idempotency-key": key.encode()})

    assert answer.status_code == 422
    assert mails() == []


@MAINLY_SQLITE
def test_keys_are_forgotten_after_a_day(web: Browser, clock_stands: time_machine.Traveller) -> None:
    sign_up(web)
    clock_stands.shift(timedelta(days=1, minutes=1))
    retention.delete_expired()

    assert everything()["idempotency_key"] == []
    assert "idempotency-replayed" not in sign_up(web).headers


def test_of_two_at_once_one_is_done_and_the_other_asked_to_come_again(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, may_end = threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> None:
        started.set()
        assert may_end.wait(PATIENCE)

    monkeypatch.setattr("digest.web.api.subscription_resource.subscribe", slow)
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(sign_up(web)))
    first.start()
    assert started.wait(PATIENCE)
    second = sign_up(web)
    may_end.set()
    first.join()

    assert (second.status_code, answers[0].status_code) == (409, 202)
    assert second.headers["content-type"] == "application/problem+json"
    assert sign_up(web).headers["idempotency-replayed"] == "true"


def test_many_at_once_have_one_effect(web: Browser) -> None:
    headers = admin() | KEY

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(web.app, client=(web.host, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as client:
            content = json.dumps({"name": "monitor", "scopes": ["runs:read"]})
            requests = (
                client.post("/api/v1/tokens", content=content, headers={"content-type": "application/json"})
                for _ in range(8)
            )
            return await asyncio.gather(*requests)

    answers = asyncio.run(ask())

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["token"] for answer in answers if answer.status_code == 201}) == 1
    assert len(everything()["admin_token"]) == 2


@SQLITE
def test_a_request_whose_process_died_is_not_done_again_while_its_key_is_kept(
    web: Browser, clock_stands: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:  # a process that dies stores nothing
        patch.setattr("digest.web.http.api_route.idempotency.store_answer", lambda *_: None)
        sign_up(web)
    early_answer = sign_up(web)
    clock_stands.shift(timedelta(minutes=3))
    later_answer = sign_up(web)
    clock_stands.shift(timedelta(days=1))

    assert (early_answer.status_code, later_answer.status_code) == (409, 409)
    assert "perhaps after its effect" in later_answer.json()["detail"]
    assert sign_up(web).status_code == 202


@MAINLY_SQLITE
@pytest.mark.parametrize("error", [RuntimeError("after the effect"), MailUncertain("perhaps sent")], ids=str)
def test_a_request_that_failed_after_its_effect_has_no_second_one(
    web: Browser, clock_stands: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def subscribe_and_fail(*args: Any, **more: Any) -> None:
        sign_up_service(*args, **more)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("digest.web.api.subscription_resource.subscribe", subscribe_and_fail)
        failed = sign_up(web)
    clock_stands.shift(timedelta(hours=2))  # the inbox may have its second mail by now
    second_answer = sign_up(web)

    assert (failed.status_code, second_answer.status_code) == (500, 409)
    assert "look for that" in second_answer.json()["detail"]
    assert len(mails()) == 1


@MAINLY_SQLITE
def test_a_key_outlives_a_new_signing_key(web: Browser, configured: Callable[..., None]) -> None:
    headers = admin() | KEY
    request = {"name": "monitor", "scopes": ["runs:read"]}
    first = web.post("/api/v1/tokens", json=request, headers=headers)
    configured(SECRET_KEY=",".join(("n" * 40, *settings.get().secret_key)))
    second_answers = [web.post("/api/v1/tokens", json=request, headers=headers) for _ in range(2)]
    other = web.post("/api/v1/tokens", json=request | {"name": "other"}, headers=headers)

    assert (first.status_code, other.status_code) == (201, 422)
    assert [answer.content for answer in second_answers] == 2 * [first.content]


@SQLITE
def test_a_client_beyond_its_limit_writes_nothing(web: Browser) -> None:
    web.app.state.api_limiter = RequestLimiter(max_requests=0, message="too many")

    assert sign_up(web).status_code == 429
    assert everything()["idempotency_key"] == []


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
@SQLITE
def test_a_body_that_is_not_declared_as_json_is_refused(web: Browser, media_type: str) -> None:
    answer = web.post(
        "/api/v1/subscriptions", content=json.dumps({"address": ADA}), headers={"content-type": media_type}
    )

    assert answer.status_code == 415
    assert answer.json()["title"] == "Unsupported Media Type"
    assert mails() == []


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("suppressions", {"address": ADA, "reason": "asked\0 by phone"}, "reason"),
        ("subscriptions", {"address": ADA, "topics": ["graphs", "a\0b"]}, "topics"),
        ("suppressions", {"address": ADA, "reason": "asked by phone", "\0": 1}, "body"),
    ],
)
def test_a_nul_character_in_a_text_is_refused_with_its_field(
    web: Browser, path: str, body: dict[str, Any], field: str
) -> None:
    answer = web.post(f"/api/v1/{path}", json=body, headers=admin())

    assert answer.status_code == 422
    assert answer.json()["detail"] == f"{field}: holds a NUL character"


@MAINLY_SQLITE
def test_a_backslash_before_u0000_is_no_nul_character(web: Browser) -> None:
    body = {"address": ADA, "reason": "\\u0000"}

    assert web.post("/api/v1/suppressions", json=body, headers=admin()).status_code == 201


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("deliveries?status=sent", ["status"]),
        ("subscriptions?State=active&limit=5&adress=x", ["State", "adress"]),
        ("runs/1?foo=1", ["foo"]),
        ("papers?cursor=x", ["cursor"]),
    ],
)
def test_a_parameter_that_is_not_declared_is_refused(web: Browser, path: str, names: list[str]) -> None:
    response = web.get(f"/api/v1/{path}", headers=admin())

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == names
    assert response.json()["errors"][0]["detail"] == "there is no such field"


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "name", ["runs", "deliveries", "bounces", "suppressions", "subscriptions", "editions", "audit"]
)
def test_every_declared_parameter_is_taken(web: Browser, name: str) -> None:
    operation = web.get("/api/v1/openapi.json").json()["paths"][f"/api/v1/{name}"]["get"]
    parameters = {row["name"] for row in operation["parameters"] if row["in"] == "query"}
    responses = {
        parameter: web.get(f"/api/v1/{name}?{parameter}=x", headers=admin(parameter)) for parameter in parameters
    }

    assert {"limit", "cursor"} <= parameters
    assert not [name for name, response in responses.items() if "no such field" in response.text]


@MAINLY_SQLITE
@pytest.mark.parametrize("query", ["deliveries?kind=digests", "bounces?kind=harsh", "bounces?kind="])
def test_a_kind_that_does_not_exist_is_refused(web: Browser, query: str) -> None:
    response = web.get(f"/api/v1/{query}", headers=admin())

    assert response.status_code == 422
    assert "use one of" in response.json()["detail"]


def test_the_kinds_of_the_api_are_those_of_the_outbox() -> None:
    stored = {*FIRST_EDITION_KINDS, *URGENT_KINDS, RUN_REPORT}

    assert set(get_args(delivery_resource.MailKind)) == stored
    assert set(get_args(delivery_resource.BounceKind)) == set(admin_pages.BOUNCE_KINDS)


@MAINLY_SQLITE
@pytest.mark.parametrize("date", ["x", "2026-13-01", "2026-01-01T07:00", 5.5])
def test_a_damaged_date_is_answered_with_an_example(web: Browser, date: object) -> None:
    response = web.post("/api/v1/runs", json={"date": date}, headers=admin())

    assert response.status_code == 422
    assert response.json()["detail"] == "date: use a date such as 2025-11-21"


@pytest.mark.parametrize(("condition", "status"), [('"1ca8d789"', 412), ('W/"x", "y"', 412), ("*", 200)])
def test_a_change_on_a_condition_that_can_not_be_checked_changes_nothing(
    web: Browser, condition: str, status: int
) -> None:
    subscribed(web)
    headers = admin() | {"if-match": condition}
    response = web.ask("PATCH", "/api/v1/subscriptions/1", json={"topics": ["robots"]}, headers=headers)
    topics = web.get("/api/v1/subscriptions/1", headers=headers).json()["preferences"]["topics"]

    assert response.status_code == status
    assert (topics == ["robots"]) is (status == 200)
